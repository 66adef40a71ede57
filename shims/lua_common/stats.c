/* SPDX-License-Identifier: MIT */

/* The counters of vmprof.stats(). */
#include "dialect.h"
#include "session.h"

#include <stddef.h>
#include <string.h>

#include <lauxlib.h>

static const struct {
    const char *name;
    size_t offset;
} counters[] = {
#define COUNTER(name)                                                          \
    {                                                                          \
#        name, offsetof(struct vmprof_stats, name)                             \
    }
    COUNTER(interval_ns),       COUNTER(elapsed_ns),
    COUNTER(threads),           COUNTER(expirations),
    COUNTER(samples),           COUNTER(lost_ring_full),
    COUNTER(lost_busy),         COUNTER(lost_switching),
    COUNTER(lost_walker),       COUNTER(stacks_cut),
    COUNTER(frames_cut),        COUNTER(overflows),
    COUNTER(locations_lost),    COUNTER(samples_written),
    COUNTER(samples_unwritten), COUNTER(bytes_written),
    COUNTER(clock_failures),    COUNTER(sampled_ns),
#undef COUNTER
};

void
vmprof_shim_push_stats(lua_State *L, struct vmprof_stats *now)
{
    const size_t count = sizeof(counters) / sizeof(*counters);
    uint64_t value;

    vmprof_stats_init(now);
    if (vmprof_get_stats(now))
        luaL_error(L, "this libvmprof is too old for the module");
    lua_createtable(L, 0, (int)count + 2);
    for (size_t i = 0; i < count; i++) {
        memcpy(&value, (const char *)now + counters[i].offset, sizeof(value));
        vmprof_shim_push_count(L, value);
        lua_setfield(L, -2, counters[i].name);
    }
    lua_pushboolean(L, now->enabled != 0);
    lua_setfield(L, -2, "enabled");
    if (now->write_error) {
        lua_pushstring(L, strerror(now->write_error));
        lua_setfield(L, -2, "write_error");
    }
}
