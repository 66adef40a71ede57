/* SPDX-License-Identifier: MIT */

/*
 * What the shim knows of the LuaJIT state that is profiled, shared by its
 * files. LuaJIT's profiler serves one state in a process, and so do we.
 *
 * A tick of the sampler sets the hook of LuaJIT's profiler; it fires before the
 * next instruction of the interpreter, where the stack is walked. trigger.c
 * sets it, walk.c and code.c say what is seen there, traces.c listens to the
 * JIT compiler, edges.c has its machine code tell where it goes, attach.c binds
 * the state to a thread.
 */
#ifndef LUAJIT_SHIM_STATE_H
#define LUAJIT_SHIM_STATE_H

#include <stdbool.h>

#include <lua.h>
#include <vmprof/vmprof.h>

struct traces;

enum {
    /* lua_getstack() counts from the leaf each time, so that a walk costs the
       square of its depth. */
    DEFAULT_FRAMES = 256,
};

/* A userdata in the registry of its state. */
struct profiled_state {
    struct vmprof_thread *thread; /* whose ticks ask; NULL: detached */
    bool attached_here;           /* by us: then it is ours to detach */
    bool opened_session;
    struct vmprof_walked_frame *frames;
    size_t frame_limit;
    size_t frame_count;    /* of the last walk, at the end of `frames` */
    struct traces *traces; /* NULL: there is no JIT compiler */
};

/* trigger.c */

/* Make LuaJIT's profiler call vmprof_luajit_sample(). Returns 0, -EBUSY: it is
   in use; -ENOTSUP: this LuaJIT has none that can be used. */
int
vmprof_luajit_start_trigger(lua_State *L, struct profiled_state *state);

void
vmprof_luajit_stop_trigger(lua_State *L);

/* No ticks come any more, for now. */
void
vmprof_luajit_ask_no_more(void);

/* The state is being closed, so LuaJIT has ended its profiler itself. */
void
vmprof_luajit_drop_trigger(void);

/* A vmprof_request_function. Runs in the signal handler. */
void
vmprof_luajit_request(struct vmprof_thread *thread, void *user);

/* own_profiler.c: the state is on top of the stack and stays. jit.profile,
   which would take LuaJIT's profiler from us, says that it is in use. */
void
vmprof_luajit_reserve_profiler(lua_State *L, bool reserved);

/* walk.c: at a safe point. `vmstate` is what LuaJIT says the tick met. */
void
vmprof_luajit_sample(struct profiled_state *state, lua_State *L, int vmstate);

/* In the signal handler: if a trace runs, answer at once, with the stack that
   is known to be beneath it. */
void
vmprof_luajit_sample_trace(struct profiled_state *state);

/* A copy of the stack of `L` from a level on, outermost frame first, cut at the
   limit. Free it. Nothing is set without memory. */
void
vmprof_luajit_copy_stack(lua_State *L, int level,
                         struct vmprof_walked_frame **stack, size_t *depth);

/* code.c: the id of the function of an activation, which has been asked for
   "Slu"; 0 if there is none to be had. Needs 20 free stack slots. */
vmprof_code_id
vmprof_luajit_function_id(lua_State *L, lua_Debug *activation);

/* The same for the function on top of the stack, which is popped. */
vmprof_code_id
vmprof_luajit_value_id(lua_State *L);

/* attach.c */

/* The state's userdata, or NULL if it was never attached. */
struct profiled_state *
vmprof_luajit_find_state(lua_State *L);

/* Push that userdata. */
void
vmprof_luajit_push_state(lua_State *L);

/* Attach the state of `L` to this OS thread. Returns 0, also if it is, or a
   negative errno: -EBUSY: it is attached to another thread, or another state
   is; or what vmprof_luajit_start_trigger() said. */
int
vmprof_luajit_attach(lua_State *L, struct profiled_state **out);

int
vmprof_luajit_detach(lua_State *L, struct profiled_state *state);

/* module.c */

/* The frames that walkers keep from now on. */
void
vmprof_luajit_set_frame_limit(size_t limit);

size_t
vmprof_luajit_frame_limit(void);

/* The state is being closed: end the session if it began it. */
void
vmprof_luajit_state_closes(struct profiled_state *state);

#endif
