/* SPDX-License-Identifier: MIT */

/* On which coroutines our hook for events is set, and over which hooks of the
   program's own. */
#include "events.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include <lauxlib.h>

#define CALLS                                                                  \
    (VMPROF_EVENT_BIT(VMPROF_EVENT_CALL) |                                     \
     VMPROF_EVENT_BIT(VMPROF_EVENT_RETURN) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_UNWIND) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_C_CALL) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_C_RETURN) |                                 \
     VMPROF_EVENT_BIT(VMPROF_EVENT_C_RAISE) |                                  \
     VMPROF_EVENT_BIT(EVENT_TAIL_CALL))
#define SWITCHES                                                               \
    (VMPROF_EVENT_BIT(VMPROF_EVENT_RESUME) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_YIELD))
#define LINES        VMPROF_EVENT_BIT(VMPROF_EVENT_LINE)
#define INSTRUCTIONS VMPROF_EVENT_BIT(VMPROF_EVENT_INSTRUCTION)
#define WANTABLE     (CALLS | SWITCHES | LINES | INSTRUCTIONS)

enum {
    SLOTS = 12, /* of Lua's stack that are needed at most */
    MOST_STATES = 64,
};

static const char table_key;

/* Grows when a hooked is freed: what threads remember is then in doubt. */
static atomic_uint_least64_t generation;

static _Thread_local struct {
    lua_State *state;
    struct hooked *hooked;
    uint64_t generation;
} last;

static int
free_hooked(lua_State *L)
{
    struct hooked *const hooked = lua_touserdata(L, 1);

    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
    vmprof_free_stack(hooked->stack);
    hooked->stack = NULL;
    vmprof_lua_forget_frames(hooked);
    return 0;
}

static void
set_metatable(lua_State *L)
{
    if (luaL_newmetatable(L, "vmprof hooked coroutine")) {
        lua_pushcfunction(L, free_hooked);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
}

/* Push it, made if need be and asked for. */
static bool
push_table(lua_State *L, bool is_made)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &table_key) == LUA_TTABLE)
        return true;
    lua_pop(L, 1);
    if (is_made)
        vmprof_lua_make_weak_table(L, &table_key);
    return is_made;
}

static void
remember(lua_State *L, struct hooked *hooked)
{
    last.state = L;
    last.hooked = hooked;
    last.generation = atomic_load_explicit(&generation, memory_order_relaxed);
}

struct hooked *
vmprof_lua_find_hooked(struct profiled_state *state, lua_State *L)
{
    struct hooked *hooked;

    if (!state->had_events || !lua_checkstack(L, SLOTS) ||
        !push_table(L, false))
        return NULL;
    lua_pushthread(L);
    lua_rawget(L, -2);
    hooked = lua_touserdata(L, -1);
    lua_pop(L, 2);
    if (hooked)
        remember(L, hooked);
    return hooked;
}

static struct hooked *
new_hooked(struct profiled_state *state, lua_State *L)
{
    struct hooked *hooked;

    push_table(L, true);
    lua_pushthread(L);
    hooked = lua_newuserdatauv(L, sizeof(*hooked), 0);
    memset(hooked, 0, sizeof(*hooked));
    hooked->state = L;
    hooked->of = state;
    set_metatable(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    state->had_events = true;
    remember(L, hooked);
    return hooked;
}

/* It had our hook before we knew of it. */
static struct hooked *
adopt(struct profiled_state *state, lua_State *L, const lua_Debug *activation)
{
    const struct hooked *const creator =
        state->top->state == L
            ? NULL
            : vmprof_lua_find_hooked(state, state->top->state);
    struct hooked *const hooked = new_hooked(state, L);

    if (creator)
        hooked->program = creator->program;
    vmprof_lua_follow(state, L, activation);
    return hooked;
}

struct hooked *
vmprof_lua_hooked(lua_State *L, const lua_Debug *activation)
{
    struct profiled_state *state;
    struct hooked *hooked;

    if (last.state == L &&
        last.generation ==
            atomic_load_explicit(&generation, memory_order_relaxed))
        return last.hooked;
    state = vmprof_lua_find_state(L);
    if (!state)
        return NULL;
    hooked = vmprof_lua_find_hooked(state, L);
    return hooked ? hooked : adopt(state, L, activation);
}

static int
least(int a, int b)
{
    return a < b ? a : b;
}

static int
left_of(int period, int elapsed)
{
    return period > elapsed ? period - elapsed : 1;
}

/* Instructions until one of both is due. */
static int
next_step(const struct hooked *hooked)
{
    int step = INT_MAX;

    if (hooked->program.mask & LUA_MASKCOUNT)
        step = left_of(hooked->program.count, hooked->program_elapsed);
    if (hooked->events & INSTRUCTIONS)
        step = least(step, left_of(INSTRUCTION_PERIOD, hooked->own_elapsed));
    return step == INT_MAX ? 0 : step;
}

void
vmprof_lua_count(struct hooked *hooked, bool *own, bool *program)
{
    const int step = hooked->set.count;

    hooked->program_elapsed += step;
    hooked->own_elapsed += step;
    *program = hooked->program.mask & LUA_MASKCOUNT &&
               hooked->program_elapsed >= hooked->program.count;
    *own = hooked->events & INSTRUCTIONS &&
           hooked->own_elapsed >= INSTRUCTION_PERIOD;
    if (*program)
        hooked->program_elapsed = 0;
    if (*own)
        hooked->own_elapsed = 0;
    hooked->set.count = next_step(hooked);
    if (hooked->set.count != step && hooked->set.hook)
        vmprof_lua_write_hook(hooked->of, hooked->state, hooked->set);
}

static int
mask_for(uint64_t events)
{
    int mask = 0;

    if (events & CALLS)
        mask |= LUA_MASKCALL;
    if (events & CALLS & ~VMPROF_EVENT_BIT(VMPROF_EVENT_CALL))
        mask |= LUA_MASKRET;
    if (events & SWITCHES)
        mask |= LUA_MASKCALL | LUA_MASKRET;
    if (events & LINES)
        mask |= LUA_MASKLINE;
    if (events & INSTRUCTIONS)
        mask |= LUA_MASKCOUNT;
    return mask;
}

/* `activation`: that our hook is being called for, or NULL. */
static void
set(struct hooked *hooked, uint64_t events, const lua_Debug *activation)
{
    const int mask = mask_for(events);

    hooked->events = events;
    hooked->own_mask = mask;
    hooked->program_elapsed = 0;
    hooked->own_elapsed = 0;
    hooked->set.hook = vmprof_lua_events_hook;
    hooked->set.mask = mask | hooked->program.mask;
    hooked->set.count = next_step(hooked);
    if (mask & LUA_MASKRET && !hooked->has_frames)
        vmprof_lua_see_frames(hooked, vmprof_lua_is_call(activation));
    if (!(mask & LUA_MASKRET))
        vmprof_lua_forget_frames(hooked);
    vmprof_lua_write_hook(hooked->of, hooked->state, hooked->set);
}

static void
clear(struct hooked *hooked, bool is_set)
{
    hooked->events = 0;
    hooked->set.hook = NULL;
    vmprof_lua_forget_frames(hooked);
    if (is_set)
        vmprof_lua_write_hook(hooked->of, hooked->state, hooked->program);
}

static uint64_t
wanted_here(const struct profiled_state *state)
{
    const struct vmprof_thread *const thread = vmprof_current_thread();

    if (!state->thread || !thread)
        return 0;
    return __atomic_load_n(&thread->events, __ATOMIC_RELAXED);
}

void
vmprof_lua_follow(struct profiled_state *state, lua_State *L,
                  const lua_Debug *activation)
{
    const uint64_t wanted = wanted_here(state), events = wanted & WANTABLE;
    struct set_hook now;
    struct hooked *hooked;

    if ((!events && !state->had_events) || !lua_checkstack(L, SLOTS))
        return;
    hooked = vmprof_lua_find_hooked(state, L);
    if (!events && (!hooked || !hooked->events))
        return;
    if (!hooked)
        hooked = new_hooked(state, L);
    hooked->seen = wanted;
    now = vmprof_lua_read_hook(state, L);
    if (now.hook == vmprof_lua_hook) /* inherited, and nobody's */
        memset(&now, 0, sizeof(now));
    /* C code of the program's set its own over ours, or there was one. */
    if (now.hook != vmprof_lua_events_hook)
        hooked->program = now;
    if (!events)
        clear(hooked, now.hook == vmprof_lua_events_hook);
    else if (now.hook != vmprof_lua_events_hook || hooked->events != events)
        set(hooked, events, activation);
}

void
vmprof_lua_program_has_set(struct profiled_state *state, lua_State *L)
{
    const struct hooked *const hooked = vmprof_lua_find_hooked(state, L);

    if (hooked && hooked->events)
        vmprof_lua_follow(state, L, NULL);
}

/* Of other threads' states nothing can be changed from here: these find out at
   their next event, switch of coroutines, or sample. */
static void
follow_change(void *user, uint64_t epoch)
{
    struct profiled_state *states[MOST_STATES];
    const size_t count = vmprof_lua_states_here(states, MOST_STATES);

    (void)user;
    (void)epoch;
    for (size_t i = 0; i < count; i++)
        vmprof_lua_follow(states[i], states[i]->top->state, NULL);
}

void
vmprof_lua_offer_events(void)
{
    vmprof_on_mask_change(follow_change, NULL);
    vmprof_set_value_function(vmprof_lua_value, NULL);
}

struct set_hook
vmprof_lua_program_hook(struct profiled_state *state, lua_State *L)
{
    const struct set_hook none = { 0 };
    struct set_hook hook = vmprof_lua_read_hook(state, L);
    const struct hooked *hooked;

    if (hook.hook != vmprof_lua_events_hook)
        return hook;
    hooked = vmprof_lua_find_hooked(state, L);
    return hooked ? hooked->program : none;
}

void
vmprof_lua_forget_inherited(struct profiled_state *state, lua_State *creator,
                            lua_State *L)
{
    const struct set_hook hook = vmprof_lua_read_hook(state, L);

    if (hook.hook == vmprof_lua_events_hook)
        vmprof_lua_write_hook(state, L,
                              vmprof_lua_program_hook(state, creator));
}
