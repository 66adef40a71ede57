/* SPDX-License-Identifier: MIT */

/*
 * What the shim knows of a Lua state, shared by its files.
 *
 * A tick of the sampler arms the running coroutine: our hook is set, fires at
 * the next call, return or instruction, walks and puts back what was there.
 * request.c arms, hook.c answers, walk.c and code.c say what is seen there,
 * coroutine.c keeps `top` true, attach.c binds states to threads. The hook for
 * events (events.h) is the program's in the eyes of these.
 */
#ifndef LUA_SHIM_STATE_H
#define LUA_SHIM_STATE_H

#include <signal.h>
#include <stdbool.h>

#include <lua.h>
#include <vmprof/vmprof.h>

enum {
    KEPT_HOOKS = 16,
    HOOK_MASK = LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT,
    /* Instructions between two looks at a count hook of the program. */
    COUNT_STEP = 1000,
    DEFAULT_FRAMES = 1024, /* as vmprof_options::max_frames */
};

/* While hooks are being changed, the handler leaves them alone. */
enum {
    NOT_BUSY = 0,
    BUSY = -1,
    /* For so many ticks at most: an error may skip the end of the change. */
    BUSY_TICKS = 1000,
};

/* A coroutine that runs or waits for one that it resumed. */
struct level {
    lua_State *state;
    struct level *below; /* the resumer's; NULL: the main thread's */
};

/* The program's own hook of a coroutine on which ours is set. */
struct kept_hook {
    lua_State *state; /* NULL: the slot is free */
    lua_Hook hook;
    int mask, count;
    int elapsed;             /* instructions since its last count event */
    int set_mask, set_count; /* what we put in place of it */
};

/* What lua_sethook() is given. */
struct set_hook {
    lua_Hook hook;
    int mask, count;
};

/* A main thread of Lua with all its coroutines; a userdata in its registry. */
struct profiled_state {
    struct os_thread *thread;    /* whose ticks arm it; NULL: detached */
    struct profiled_state *next; /* of the same thread */
    lua_State *main;
    struct level base;
    struct level *volatile top; /* who runs */
    lua_State *volatile armed;  /* who was asked for a sample */
    volatile sig_atomic_t busy; /* BUSY or the ticks yet to skip */
    /* The first slot is for whoever is armed, the others for coroutines with
       a count hook, which keep ours until it is replaced. */
    struct kept_hook kept[KEPT_HOOKS];
    struct vmprof_walked_frame *frames;
    size_t frame_limit;
    bool opened_session;
    lua_CFunction resume, wrap, create, close, gethook, sethook; /* Lua's own */
    lua_Hook library_hook; /* what debug.sethook() sets; NULL: not seen yet */
    bool had_events; /* since when there may be coroutines with our hook */
};

/* request.c: all of it may run in the signal handler. */

void
vmprof_lua_request(struct vmprof_thread *thread, void *user);

void
vmprof_lua_arm(struct profiled_state *state);

struct kept_hook *
vmprof_lua_find_kept(struct profiled_state *state, lua_State *L);

/* If a tick came between the fields that the program's lua_sethook() sets, the
   rest of these went over ours: take them for the program's. */
void
vmprof_lua_check_kept(struct kept_hook *kept);

/* hook.c */

void
vmprof_lua_hook(lua_State *L, lua_Debug *activation);

/* Put the program's hook back, or our stand-in for its count hook. */
void
vmprof_lua_disarm(struct profiled_state *state, lua_State *L);

/* Give a hook that `L` inherited from us back for the program's. */
void
vmprof_lua_disinherit(struct profiled_state *state, lua_State *L);

/* The hook of `L` as if no sample were asked for. */
struct set_hook
vmprof_lua_read_hook(struct profiled_state *state, lua_State *L);

/* Set it, and ask for the sample again. */
void
vmprof_lua_write_hook(struct profiled_state *state, lua_State *L,
                      struct set_hook hook);

/* walk.c: at a safe point. `event` is what the hook was called for. */
void
vmprof_lua_sample(struct profiled_state *state, int event);

/* code.c: the id of the function of an activation of `L`, which has been asked
   for "Slut"; 0 if there is none to be had. `runner` is the coroutine that runs
   now, and has 20 free stack slots. */
vmprof_code_id
vmprof_lua_function_id(lua_State *runner, lua_State *L, lua_Debug *activation);

vmprof_code_id
vmprof_lua_tail_call_id(void);

/* Name a C function that has none in package.loaded. */
void
vmprof_lua_name_c_function(lua_CFunction function, const char *name);

/* coroutine.c: replace the functions that switch coroutines. The state is on
   top of the stack and stays. */
void
vmprof_lua_wrap_functions(lua_State *L, struct profiled_state *state);

/* debug.c: in place of Lua's own, as if our hooks were not there. */

int
vmprof_lua_gethook(lua_State *L);

int
vmprof_lua_sethook(lua_State *L);

/* attach.c */

/* The state that `L` belongs to, or NULL if it was never attached. */
struct profiled_state *
vmprof_lua_find_state(lua_State *L);

/* Attach the state of `L` to this OS thread. Returns 0, also if it is, or a
   negative errno: -EBUSY: it is attached to another thread. */
int
vmprof_lua_attach(lua_State *L, struct profiled_state **out);

int
vmprof_lua_detach(struct profiled_state *state);

/* Put up to `room` states of this OS thread into `states`; returns how many. */
size_t
vmprof_lua_states_here(struct profiled_state **states, size_t room);

/* module.c */

/* The frames that walkers keep from now on. */
void
vmprof_lua_set_frame_limit(size_t limit);

size_t
vmprof_lua_frame_limit(void);

/* The state is being closed: end the session if it began it. */
void
vmprof_lua_state_closes(struct profiled_state *state);

#endif
