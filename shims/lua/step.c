/* SPDX-License-Identifier: MIT */

/*
 * lua_getstack() counts from the leaf at every call, so that a walk with it
 * costs the square of the depth: milliseconds at 1,000 frames. The records are
 * a list, and where in a record its link is can be learnt from four of them
 * that lua_getstack() told. Where that fails, lua_getstack() is used.
 */
#include "step.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum {
    UNKNOWN = -1,
    NOT_FOUND = -2,
    KNOWN_RECORDS = 4,
    /* A record begins with four pointers, so at least so much is readable. */
    READABLE = 4 * sizeof(void *),
};

static atomic_int link_offset = UNKNOWN;

static struct CallInfo *
link_at(struct CallInfo *record, int offset)
{
    struct CallInfo *value;

    memcpy(&value, (const char *)record + offset, sizeof(value));
    return value;
}

static bool
links_all(struct CallInfo *const *records, int offset)
{
    for (int i = 0; i + 1 < KNOWN_RECORDS; i++)
        if (link_at(records[i], offset) != records[i + 1])
            return false;
    return true;
}

static int
find_offset(struct CallInfo *const *records)
{
    for (int offset = 0; offset < READABLE; offset += (int)sizeof(void *))
        if (links_all(records, offset))
            return offset;
    return NOT_FOUND;
}

static void
learn(lua_State *L)
{
    struct CallInfo *records[KNOWN_RECORDS];
    lua_Debug activation;

    for (int i = 0; i < KNOWN_RECORDS; i++) {
        if (!lua_getstack(L, i, &activation))
            return;
        records[i] = activation.i_ci;
    }
    atomic_store_explicit(&link_offset, find_offset(records),
                          memory_order_relaxed);
}

bool
vmprof_lua_step(lua_State *L, lua_Debug *activation, int level)
{
    const int offset = atomic_load_explicit(&link_offset, memory_order_relaxed);
    struct CallInfo *beneath;

    if (offset == UNKNOWN && level == 1)
        learn(L);
    if (offset < 0)
        return lua_getstack(L, level, activation);
    beneath = link_at(activation->i_ci, offset);
    /* The last record is the coroutine's own, and no function's. */
    if (!link_at(beneath, offset))
        return false;
    activation->i_ci = beneath;
    return true;
}
