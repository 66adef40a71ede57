/* SPDX-License-Identifier: MIT */

/*
 * The part that runs in the signal handler: set our hook on whoever runs.
 *
 * lua_sethook() and the lua_gethook...() functions are the only ones of Lua
 * that may be called there. A tick can come in the middle of the program's own
 * lua_sethook(), which then goes on over what we set: so what is found is
 * compared with what was set, and everything is set again at each tick.
 */
#include "os_thread.h"
#include "state.h"

struct kept_hook *
vmprof_lua_find_kept(struct profiled_state *state, lua_State *L)
{
    for (size_t i = 0; i < KEPT_HOOKS; i++)
        if (state->kept[i].state == L)
            return &state->kept[i];
    return NULL;
}

void
vmprof_lua_check_kept(struct kept_hook *kept)
{
    const int mask = lua_gethookmask(kept->state);
    const int count = lua_gethookcount(kept->state);

    /* One by one: those that came first are in what was kept. */
    if (mask != kept->set_mask)
        kept->mask = kept->set_mask = mask;
    if (count != kept->set_count)
        kept->count = kept->set_count = count;
}

static struct kept_hook *
new_kept(struct profiled_state *state, lua_State *L, int mask)
{
    struct kept_hook *kept = vmprof_lua_find_kept(state, L);

    if (kept)
        kept->state = NULL;
    if (mask & LUA_MASKCOUNT)
        for (size_t i = 1; i < KEPT_HOOKS; i++)
            if (!state->kept[i].state)
                return &state->kept[i];
    return &state->kept[0];
}

/* Remember the hook that ours is about to replace. */
static struct kept_hook *
keep(struct profiled_state *state, lua_State *L)
{
    const lua_Hook hook = lua_gethook(L);
    const int mask = lua_gethookmask(L), count = lua_gethookcount(L);
    struct kept_hook *kept = vmprof_lua_find_kept(state, L);

    if (hook != vmprof_lua_hook) {
        kept = new_kept(state, L, mask);
        kept->state = L;
        kept->hook = hook;
        kept->mask = mask;
        kept->count = count;
        kept->elapsed = 0;
    } else if (kept) {
        vmprof_lua_check_kept(kept);
    }
    return kept;
}

void
vmprof_lua_arm(struct profiled_state *state)
{
    lua_State *L = state->top->state;
    struct kept_hook *kept = keep(state, L);

    state->armed = L;
    if (!kept) /* inherited from us: it fires without being set */
        return;
    /* What is left of a step is not known: half of it, on average. */
    if (kept->set_count > 1 && kept->mask & LUA_MASKCOUNT)
        kept->elapsed += kept->set_count / 2;
    kept->set_mask = HOOK_MASK | kept->mask;
    kept->set_count = 1;
    lua_sethook(L, vmprof_lua_hook, kept->set_mask, kept->set_count);
}

static void
request(struct profiled_state *state)
{
    if (state->busy) {
        if (state->busy > 0)
            state->busy--;
        return;
    }
    /* Else a switch of coroutines is under way, and moves it. */
    if (!state->armed || state->armed == state->top->state)
        vmprof_lua_arm(state);
}

void
vmprof_lua_request(struct vmprof_thread *record, void *user)
{
    struct os_thread *thread = user;

    (void)record;
    if (atomic_flag_test_and_set_explicit(&thread->guard, memory_order_acquire))
        return;
    for (struct profiled_state *s = thread->states; s; s = s->next)
        request(s);
    atomic_flag_clear_explicit(&thread->guard, memory_order_release);
}
