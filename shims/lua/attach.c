/* SPDX-License-Identifier: MIT */

/* Which Lua states the ticks of which OS thread ask for samples. */
#include "events.h"
#include "os_thread.h"
#include "state.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <lauxlib.h>

static const char registry_key;

/* Held while a state and a thread find or leave each other. */
static pthread_mutex_t binding = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t thread_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int key_error;

static void
lock(struct os_thread *thread)
{
    pthread_mutex_lock(&binding);
    /* Only a handler on another thread can hold it, for an instant. */
    while (
        atomic_flag_test_and_set_explicit(&thread->guard, memory_order_acquire))
        sched_yield();
}

static void
unlock(struct os_thread *thread)
{
    atomic_flag_clear_explicit(&thread->guard, memory_order_release);
    pthread_mutex_unlock(&binding);
}

static void
stop_ticks(struct os_thread *thread)
{
    vmprof_request_sample(thread->record, NULL, NULL);
    if (thread->attached_here)
        vmprof_detach_thread(thread->record);
}

/* The OS thread ends, and its states outlive it. */
static void
thread_ends(void *argument)
{
    struct os_thread *thread = argument;

    stop_ticks(thread);
    lock(thread);
    for (struct profiled_state *s = thread->states; s; s = s->next)
        s->thread = NULL;
    unlock(thread);
    free(thread);
}

static void
make_key(void)
{
    key_error = -pthread_key_create(&thread_key, thread_ends);
    vmprof_lua_offer_events();
}

static int
start_ticks(struct os_thread *thread)
{
    thread->record = vmprof_current_thread();
    if (!thread->record) {
        const int error = vmprof_attach_thread(NULL, &thread->record);
        if (error)
            return error;
        thread->attached_here = true;
    }
    return vmprof_request_sample(thread->record, vmprof_lua_request, thread);
}

/* This OS thread, made one that ticks if it is not. */
static int
this_thread(struct os_thread **out)
{
    struct os_thread *thread;
    int error;

    pthread_once(&once, make_key);
    if (key_error)
        return key_error;
    *out = pthread_getspecific(thread_key);
    if (*out)
        return 0;
    thread = calloc(1, sizeof(*thread));
    if (!thread)
        return -ENOMEM;
    error = -pthread_setspecific(thread_key, thread);
    if (!error)
        error = start_ticks(thread);
    if (error) {
        pthread_setspecific(thread_key, NULL);
        free(thread);
        return error;
    }
    *out = thread;
    return 0;
}

struct profiled_state *
vmprof_lua_find_state(lua_State *L)
{
    struct profiled_state *state;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
    state = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return state;
}

static int
state_closes(lua_State *L)
{
    struct profiled_state *state = lua_touserdata(L, 1);

    vmprof_lua_state_closes(state);
    vmprof_lua_detach(state);
    free(state->frames);
    state->frames = NULL;
    return 0;
}

/* A __gc runs before memory of Lua's is freed, so what it has may be read. */
static void
set_finalizer(lua_State *L)
{
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, state_closes);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "vmprof");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
}

/* Push the userdata. */
static struct profiled_state *
new_state(lua_State *L)
{
    struct profiled_state *state = lua_newuserdatauv(L, sizeof(*state), 0);

    memset(state, 0, sizeof(*state));
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    state->main = lua_tothread(L, -1);
    lua_pop(L, 1);
    state->base.state = state->main;
    state->top = &state->base;
    set_finalizer(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
    vmprof_lua_wrap_functions(L, state);
    return state;
}

static struct profiled_state *
get_state(lua_State *L)
{
    struct profiled_state *state = vmprof_lua_find_state(L);

    if (!state) {
        luaL_checkstack(L, 10, NULL);
        state = new_state(L);
        lua_pop(L, 1);
    }
    return state;
}

int
vmprof_lua_attach(lua_State *L, struct profiled_state **out)
{
    struct profiled_state *state = get_state(L);
    struct os_thread *thread;
    int error = this_thread(&thread);

    if (error)
        return error;
    lock(thread);
    if (!state->thread) {
        state->thread = thread;
        state->next = thread->states;
        thread->states = state;
    } else if (state->thread != thread) {
        error = -EBUSY;
    }
    unlock(thread);
    if (!error) {
        vmprof_lua_follow(state, state->top->state, NULL);
        *out = state;
    }
    return error;
}

size_t
vmprof_lua_states_here(struct profiled_state **states, size_t room)
{
    struct os_thread *thread;
    size_t count = 0;

    pthread_once(&once, make_key);
    thread = key_error ? NULL : pthread_getspecific(thread_key);
    if (!thread)
        return 0;
    lock(thread);
    for (struct profiled_state *s = thread->states; s && count < room;
         s = s->next)
        states[count++] = s;
    unlock(thread);
    return count;
}

static void
unlink_state(struct profiled_state *state)
{
    struct profiled_state **link = &state->thread->states;

    while (*link != state)
        link = &(*link)->next;
    *link = state->next;
    state->thread = NULL;
}

/* Returns the thread that it was attached to, if that is the calling one and
   has no other state. */
static struct os_thread *
unbind(struct profiled_state *state)
{
    struct os_thread *thread;

    pthread_mutex_lock(&binding);
    thread = state->thread;
    if (thread) {
        while (atomic_flag_test_and_set_explicit(&thread->guard,
                                                 memory_order_acquire))
            sched_yield();
        unlink_state(state);
        atomic_flag_clear_explicit(&thread->guard, memory_order_release);
        if (thread != pthread_getspecific(thread_key) || thread->states)
            thread = NULL;
    }
    pthread_mutex_unlock(&binding);
    return thread;
}

int
vmprof_lua_detach(struct profiled_state *state)
{
    struct os_thread *idle;

    if (!state->thread)
        return -EALREADY;
    idle = unbind(state);
    if (state->armed)
        vmprof_lua_disarm(state, state->armed);
    vmprof_lua_follow(state, state->top->state, NULL);
    if (idle) {
        pthread_setspecific(thread_key, NULL);
        stop_ticks(idle);
        free(idle);
    }
    return 0;
}
