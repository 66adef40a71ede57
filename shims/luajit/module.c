/* SPDX-License-Identifier: MIT */

/* require "vmprof": what a Lua program calls. */
#include "module.h"
#include "edges.h"
#include "options.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

/* The session belongs to the process, whichever state began it. */
static pthread_mutex_t session = PTHREAD_MUTEX_INITIALIZER;
static int session_fd = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_size_t frame_limit = DEFAULT_FRAMES;

void
vmprof_luajit_set_frame_limit(size_t limit)
{
    atomic_store_explicit(&frame_limit, limit, memory_order_relaxed);
}

size_t
vmprof_luajit_frame_limit(void)
{
    return atomic_load_explicit(&frame_limit, memory_order_relaxed);
}

static struct profiled_state *
attach_or_raise(lua_State *L)
{
    struct profiled_state *state;
    const int error = vmprof_luajit_attach(L, &state);

    if (error == -EBUSY)
        luaL_error(L, "another Lua state or OS thread is attached, or LuaJIT's "
                      "own profiler is in use; there can be one at a time");
    if (error == -ENOTSUP)
        luaL_error(L, "this LuaJIT is built without its profiler");
    if (error)
        luaL_error(L, "this OS thread cannot be profiled: %s",
                   vmprof_strerror(error));
    return state;
}

/* Returns 0, -EALREADY, -EIO, or what else vmprof_disable() said. */
static int
close_session(void)
{
    int error = -EALREADY;

    pthread_mutex_lock(&session);
    if (session_fd >= 0) {
        error = vmprof_disable();
        if (close(session_fd) && !error)
            error = -errno;
        session_fd = -1;
    }
    pthread_mutex_unlock(&session);
    return error;
}

/* A program that calls os.exit() does not close its state. */
static void
at_exit(void)
{
    close_session();
}

static void
register_exit(void)
{
    /* If there is no room for it, vmprof.stop() has to be called. */
    (void)atexit(at_exit);
}

/* Returns NULL, or why not. */
static const char *
open_session(const struct start_options *options)
{
    struct vmprof_options library = options->library;
    const int fd =
        open(options->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error;

    if (fd < 0)
        return strerror(errno);
    pthread_once(&once, register_exit);
    library.fd = fd;
    error = vmprof_enable_with(&library);
    if (error) {
        close(fd);
        return vmprof_strerror(error);
    }
    session_fd = fd;
    return NULL;
}

static bool
is_enabled(void)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    return vmprof_get_stats(&stats) == 0 && stats.enabled;
}

static int
start(lua_State *L)
{
    struct profiled_state *state;
    struct start_options options;
    const char *problem = NULL;
    bool enabled;

    vmprof_luajit_check_options(L, &options);
    state = attach_or_raise(L);
    pthread_mutex_lock(&session);
    /* Before the file is opened, which would empty that of the session. */
    enabled = is_enabled();
    if (!enabled)
        problem = open_session(&options);
    pthread_mutex_unlock(&session);
    if (enabled)
        return luaL_error(L, "profiling is already on; it must be stopped "
                             "before it can be started again");
    if (problem)
        return luaL_error(L, "cannot profile into '%s': %s", options.file,
                          problem);
    state->opened_session = true;
    vmprof_luajit_traces_update(L, state->traces);
    if (options.library.max_frames)
        vmprof_luajit_set_frame_limit(options.library.max_frames);
    return 0;
}

static int
stop(lua_State *L)
{
    const struct profiled_state *const state = vmprof_luajit_find_state(L);
    struct vmprof_stats stats;
    const int error = close_session();

    if (error == -EALREADY)
        return luaL_error(L, "profiling is not on, or was not started by "
                             "vmprof.start()");
    if (error == -EIO) {
        vmprof_stats_init(&stats);
        vmprof_get_stats(&stats);
        return luaL_error(L, "the profile is not whole: %s",
                          strerror(stats.write_error));
    }
    if (error)
        return luaL_error(L, "cannot stop profiling: %s",
                          vmprof_strerror(error));
    if (state)
        vmprof_luajit_traces_update(L, state->traces);
    return 0;
}

void
vmprof_luajit_state_closes(struct profiled_state *state)
{
    if (state->opened_session)
        close_session();
    state->opened_session = false;
}

static int
attach(lua_State *L)
{
    attach_or_raise(L);
    return 0;
}

static int
detach(lua_State *L)
{
    struct profiled_state *state = vmprof_luajit_find_state(L);
    const int error = state ? vmprof_luajit_detach(L, state) : -EALREADY;

    if (error == -ESRCH)
        return luaL_error(L, "this Lua state is attached to another OS thread; "
                             "only that one can detach it");
    if (error)
        return luaL_error(L, "this Lua state is not attached");
    return 0;
}

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
    COUNTER(jit_events),        COUNTER(jit_events_lost),
#undef COUNTER
};

static void
set_number(lua_State *L, const char *name, uint64_t value)
{
    lua_pushnumber(L, (lua_Number)value);
    lua_setfield(L, -2, name);
}

/* What is known of the JIT compiler; the table is on top of the stack. */
static void
add_trace_stats(lua_State *L)
{
    const struct profiled_state *const state = vmprof_luajit_find_state(L);
    struct edges_stats edges;

    if (!state || !state->traces)
        return;
    vmprof_luajit_edges_get_stats(state->traces->edges, &edges);
    set_number(L, "traces", state->traces->registered);
    set_number(L, "traces_aborted", state->traces->aborted);
    set_number(L, "traces_unknown", state->traces->unknown);
    set_number(L, "traces_told", edges.told);
    set_number(L, "traces_left_alone", edges.left_alone);
    if (edges.reason) {
        lua_pushstring(L, edges.reason);
        lua_setfield(L, -2, "traces_left_alone_because");
    }
}

static int
stats(lua_State *L)
{
    const size_t count = sizeof(counters) / sizeof(*counters);
    struct vmprof_stats now;
    uint64_t value;

    vmprof_stats_init(&now);
    if (vmprof_get_stats(&now))
        return luaL_error(L, "this libvmprof is too old for the module");
    lua_createtable(L, 0, (int)count + 2);
    for (size_t i = 0; i < count; i++) {
        memcpy(&value, (const char *)&now + counters[i].offset, sizeof(value));
        set_number(L, counters[i].name, value);
    }
    lua_pushboolean(L, now.enabled != 0);
    lua_setfield(L, -2, "enabled");
    if (now.write_error) {
        lua_pushstring(L, strerror(now.write_error));
        lua_setfield(L, -2, "write_error");
    }
    add_trace_stats(L);
    return 1;
}

static const luaL_Reg functions[] = {
    { "start", start },   { "stop", stop },     { "stats", stats },
    { "attach", attach }, { "detach", detach }, { NULL, NULL },
};

int
luaopen_vmprof(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    lua_pushstring(L, VMPROF_VERSION);
    lua_setfield(L, -2, "_VERSION");
    return 1;
}
