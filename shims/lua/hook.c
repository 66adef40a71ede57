/* SPDX-License-Identifier: MIT */

/*
 * Our hook: the safe point at which a requested sample is taken. It takes
 * itself off, except where it stands in for a count hook of the program: Lua
 * does not tell how far such a hook had counted, so each time that one is
 * replaced its count would begin anew, and one with a long count never fire.
 */
#include "events.h"
#include "state.h"

static void
put(lua_State *L, struct kept_hook *kept, int mask, int count)
{
    kept->set_mask = mask;
    kept->set_count = count;
    lua_sethook(L, vmprof_lua_hook, mask, count);
}

static void
put_back(struct profiled_state *state, lua_State *L, struct kept_hook *kept)
{
    const int left = kept->count - kept->elapsed;

    if (kept->mask & LUA_MASKCOUNT && kept != &state->kept[0]) {
        const int step = left < COUNT_STEP ? left : COUNT_STEP;
        put(L, kept, kept->mask, step > 0 ? step : 1);
        return;
    }
    lua_sethook(L, kept->hook, kept->mask, kept->count);
    kept->state = NULL;
}

void
vmprof_lua_disarm(struct profiled_state *state, lua_State *L)
{
    struct kept_hook *kept;

    state->busy = BUSY;
    kept = vmprof_lua_find_kept(state, L);
    if (kept && lua_gethook(L) == vmprof_lua_hook)
        put_back(state, L, kept);
    else if (kept)
        kept->state = NULL;
    if (state->armed == L)
        state->armed = NULL;
    state->busy = NOT_BUSY;
}

/* Without any hook: a call that is made for a name would else touch what Lua
   remembers for the program's line hook. */
static void
sample(struct profiled_state *state, lua_State *L, int event)
{
    state->armed = NULL;
    if (state->top->state != L)
        return;
    lua_sethook(L, NULL, 0, 0);
    vmprof_lua_sample(state, event);
}

void
vmprof_lua_disinherit(struct profiled_state *state, lua_State *L)
{
    struct kept_hook *kept = vmprof_lua_find_kept(state, L);

    /* Of a coroutine that is gone, and that had this one's address. */
    if (kept)
        kept->state = NULL;
    if (lua_gethook(L) != vmprof_lua_hook)
        return;
    kept = vmprof_lua_find_kept(state, state->top->state);
    if (kept)
        lua_sethook(L, kept->hook, kept->mask, kept->count);
    else
        lua_sethook(L, NULL, 0, 0);
}

struct set_hook
vmprof_lua_read_hook(struct profiled_state *state, lua_State *L)
{
    const sig_atomic_t busy = state->busy;
    struct set_hook hook;
    struct kept_hook *kept;

    state->busy = BUSY;
    kept = vmprof_lua_find_kept(state, L);
    hook.hook = lua_gethook(L);
    hook.mask = lua_gethookmask(L);
    hook.count = lua_gethookcount(L);
    if (kept && hook.hook == vmprof_lua_hook) {
        vmprof_lua_check_kept(kept);
        hook.hook = kept->hook;
        hook.mask = kept->mask;
        hook.count = kept->count;
    }
    state->busy = busy;
    return hook;
}

void
vmprof_lua_write_hook(struct profiled_state *state, lua_State *L,
                      struct set_hook hook)
{
    const sig_atomic_t busy = state->busy;
    struct kept_hook *kept;

    state->busy = BUSY;
    kept = vmprof_lua_find_kept(state, L);
    if (kept)
        kept->state = NULL;
    lua_sethook(L, hook.hook, hook.mask, hook.count);
    if (state->armed == L && state->top->state == L)
        vmprof_lua_arm(state);
    state->busy = busy;
}

/* Whether the program's hook is due for the event that ours was called for. */
static bool
is_due(struct kept_hook *kept, int event)
{
    switch (event) {
    case LUA_HOOKCALL:
    case LUA_HOOKTAILCALL:
        return kept->mask & LUA_MASKCALL;
    case LUA_HOOKRET:
        return kept->mask & LUA_MASKRET;
    case LUA_HOOKLINE:
        return kept->mask & LUA_MASKLINE;
    default:
        if (!(kept->mask & LUA_MASKCOUNT))
            return false;
        kept->elapsed += kept->set_count;
        if (kept->elapsed < kept->count)
            return false;
        kept->elapsed = 0;
        return true;
    }
}

/* Returns the program's hook if it is to be called. */
static lua_Hook
answer(struct profiled_state *state, lua_State *L, int event)
{
    struct kept_hook *kept = vmprof_lua_find_kept(state, L);
    lua_Hook due = NULL;

    if (!kept) {
        vmprof_lua_disinherit(state, L);
        return NULL;
    }
    vmprof_lua_check_kept(kept);
    if (is_due(kept, event))
        due = kept->hook;
    if (state->armed == L)
        sample(state, L, event);
    put_back(state, L, kept);
    return due;
}

void
vmprof_lua_hook(lua_State *L, lua_Debug *activation)
{
    struct profiled_state *state = vmprof_lua_find_state(L);
    lua_Hook due;

    if (!state) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    state->busy = BUSY;
    due = answer(state, L, activation->event);
    state->busy = NOT_BUSY;
    vmprof_lua_follow(state, L, activation);
    /* Last, because it may raise an error or yield. */
    if (due)
        due(L, activation);
}
