/* SPDX-License-Identifier: MIT */

/* Which Lua state the ticks of which OS thread ask for samples. */
#include "state.h"
#include "traces.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

static char registry_key;

/* The one state that is attached, and what guards it. */
static pthread_mutex_t binding = PTHREAD_MUTEX_INITIALIZER;
static struct profiled_state *attached;

static pthread_key_t thread_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int key_error;

/* The OS thread ends, and the state outlives it. */
static void
thread_ends(void *argument)
{
    struct profiled_state *state = argument;

    pthread_mutex_lock(&binding);
    if (attached == state && state->thread == vmprof_current_thread()) {
        vmprof_request_sample(state->thread, NULL, NULL);
        vmprof_luajit_traces_detach(state->traces);
        if (state->attached_here)
            vmprof_detach_thread(state->thread);
        state->thread = NULL;
    }
    pthread_mutex_unlock(&binding);
}

static void
make_key(void)
{
    key_error = -pthread_key_create(&thread_key, thread_ends);
}

struct profiled_state *
vmprof_luajit_find_state(lua_State *L)
{
    struct profiled_state *state;

    lua_pushlightuserdata(L, &registry_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    state = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return state;
}

void
vmprof_luajit_push_state(lua_State *L)
{
    lua_pushlightuserdata(L, &registry_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
}

/* Give the OS thread back; with the lock. */
static void
stop_ticks(struct profiled_state *state)
{
    vmprof_request_sample(state->thread, NULL, NULL);
    if (state->attached_here)
        vmprof_detach_thread(state->thread);
    state->thread = NULL;
    pthread_setspecific(thread_key, NULL);
}

static int
start_ticks(struct profiled_state *state)
{
    int error = -pthread_setspecific(thread_key, state);

    if (error)
        return error;
    state->thread = vmprof_current_thread();
    state->attached_here = !state->thread;
    if (!state->thread)
        error = vmprof_attach_thread(NULL, &state->thread);
    if (error) {
        state->thread = NULL;
        pthread_setspecific(thread_key, NULL);
        return error;
    }
    return vmprof_request_sample(state->thread, vmprof_luajit_request, state);
}

/* lua_close() calls it on the thread that closes the state. */
static int
state_closes(lua_State *L)
{
    struct profiled_state *state = lua_touserdata(L, 1);

    vmprof_luajit_state_closes(state);
    pthread_mutex_lock(&binding);
    if (attached == state) {
        vmprof_luajit_drop_trigger();
        if (state->thread && state->thread == vmprof_current_thread())
            stop_ticks(state);
        state->thread = NULL;
        attached = NULL;
    }
    pthread_mutex_unlock(&binding);
    vmprof_luajit_traces_free(state->traces);
    state->traces = NULL;
    free(state->frames);
    state->frames = NULL;
    return 0;
}

static void
set_finalizer(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_closes);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
}

static struct profiled_state *
new_state(lua_State *L)
{
    struct profiled_state *state;

    lua_pushlightuserdata(L, &registry_key);
    state = lua_newuserdata(L, sizeof(*state));
    memset(state, 0, sizeof(*state));
    set_finalizer(L);
    lua_rawset(L, LUA_REGISTRYINDEX);
    return state;
}

static struct profiled_state *
get_state(lua_State *L)
{
    struct profiled_state *state = vmprof_luajit_find_state(L);

    luaL_checkstack(L, 20, "vmprof");
    return state ? state : new_state(L);
}

/* With the lock, and nothing attached. */
static int
bind(lua_State *L, struct profiled_state *state)
{
    int error = vmprof_luajit_start_trigger(L, state);

    if (error)
        return error;
    error = start_ticks(state);
    if (error) {
        vmprof_luajit_stop_trigger(L);
        return error;
    }
    attached = state;
    return 0;
}

int
vmprof_luajit_attach(lua_State *L, struct profiled_state **out)
{
    struct profiled_state *state = get_state(L);
    bool is_new = false;
    int error = 0;

    pthread_once(&once, make_key);
    if (key_error)
        return key_error;
    pthread_mutex_lock(&binding);
    if (!attached) {
        error = bind(L, state);
        is_new = error == 0;
    } else if (attached != state) {
        error = -EBUSY;
    } else if (!state->thread) {
        error = start_ticks(state);
        is_new = error == 0;
    } else if (state->thread != vmprof_current_thread()) {
        error = -EBUSY;
    }
    pthread_mutex_unlock(&binding);
    if (error)
        return error;
    *out = state;
    if (is_new) {
        vmprof_luajit_reserve_profiler(L, true);
        vmprof_luajit_traces_attach(L, state);
    }
    return 0;
}

int
vmprof_luajit_detach(lua_State *L, struct profiled_state *state)
{
    int error = 0;

    pthread_mutex_lock(&binding);
    if (attached != state)
        error = -EALREADY;
    else if (state->thread && state->thread != vmprof_current_thread())
        error = -ESRCH;
    if (!error) {
        vmprof_luajit_traces_detach(state->traces);
        vmprof_luajit_stop_trigger(L);
        if (state->thread)
            stop_ticks(state);
        attached = NULL;
    }
    pthread_mutex_unlock(&binding);
    if (!error)
        vmprof_luajit_reserve_profiler(L, false);
    return error;
}
