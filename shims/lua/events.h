/* SPDX-License-Identifier: MIT */

/*
 * Events from the hooks of Lua. A coroutine of which events are wanted has our
 * hook for events for as long as they are, and what the program set beneath it.
 *
 * hooked.c sets and removes it, events.c makes events of its calls, frames.c
 * knows who runs, switches.c tells of coroutines, values.c fetches values,
 * functions.c knows functions, lines.c their lines, tools.c has tools that are written in Lua.
 */
#ifndef LUA_SHIM_EVENTS_H
#define LUA_SHIM_EVENTS_H

#include "state.h"

enum {
    /* The VM's own: code was left by a tail call of callee. */
    EVENT_TAIL_CALL = VMPROF_EVENT_VM,
    /* Instructions from one VMPROF_EVENT_INSTRUCTION to the next. */
    INSTRUCTION_PERIOD = 1000,
};

struct CallInfo;

/* What is known of a function; a userdata in a table with weak keys. */
struct known_function {
    vmprof_code_id code;
    uint32_t line;       /* of its definition */
    uint64_t lines_told; /* the events' epoch by then; 0: never */
    bool is_c;
};

/* What runs, or waits for what it called. */
struct seen_frame {
    struct CallInfo *activation;
    struct known_function function;
    bool is_over; /* its return has been told of */
};

/* A coroutine; a userdata in a table with weak keys. */
struct hooked {
    lua_State *state;
    struct profiled_state *of;
    struct set_hook program;          /* the program's own */
    struct set_hook set;              /* ours; without a hook: it is not set */
    int own_mask;                     /* of that what we need */
    uint64_t events;                  /* for which */
    uint64_t seen;                    /* of the thread, when that was found */
    int program_elapsed, own_elapsed; /* instructions since the last of each */
    struct seen_frame *frames;
    size_t count, room;
    bool has_frames, is_firing;
    uint64_t callbacks;         /* that ran before those it is firing to */
    const lua_Debug *calling;   /* the program's hook, from where... */
    const char *calling_from;   /* ...on the C stack */
    struct vmprof_stack *stack; /* for tools to tell coroutines apart */
};

/* An event under way. */
struct moment {
    struct vmprof_thread *thread;
    struct hooked *hooked;
    lua_State *state;      /* of the event */
    lua_Debug *activation; /* NULL: none that values can be asked of */
    int error;             /* the first; 0: none */
};

/* hooked.c */

/* The shim is there: have it told of what is wanted. */
void
vmprof_lua_offer_events(void);

/* Set on `L` what is wanted now, if it is not. `activation`: that our hook is
   being called for, or NULL. */
void
vmprof_lua_follow(struct profiled_state *state, lua_State *L,
                  const lua_Debug *activation);

/* NULL: nothing was ever wanted of it. */
struct hooked *
vmprof_lua_find_hooked(struct profiled_state *state, lua_State *L);

/* Set on `L` what the program's debug.sethook() left there, beneath ours. */
void
vmprof_lua_program_has_set(struct profiled_state *state, lua_State *L);

/* For our hook, which `L` may have inherited, and which is called for
   `activation`; NULL: of no state of ours. */
struct hooked *
vmprof_lua_hooked(lua_State *L, const lua_Debug *activation);

/* A coroutine that `creator` made has inherited our hook: give it the
   program's. */
void
vmprof_lua_forget_inherited(struct profiled_state *state, lua_State *creator,
                            lua_State *L);

/* The program's hook. */
struct set_hook
vmprof_lua_program_hook(struct profiled_state *state, lua_State *L);

/* Count what our hook was called for; whether that is due to us, and whether it
   is due to the program's hook. */
void
vmprof_lua_count(struct hooked *hooked, bool *own, bool *program);

/* events.c */

void
vmprof_lua_events_hook(lua_State *L, lua_Debug *activation);

/* Tell of an event if somebody wants it. */
void
vmprof_lua_fire(struct moment *moment, const struct vmprof_event *event);

/* Raise the error of a callback, if there was one. */
void
vmprof_lua_raise(lua_State *L, int error);

/* functions.c */

/* Push a new table with weak keys, which is the registry's of this key, too. */
void
vmprof_lua_make_weak_table(lua_State *L, const void *key);

/* A coroutine without a hook: what is called there is nothing to the program's
   hooks, neither an event nor an instruction that counts. */
lua_State *
vmprof_lua_helper(lua_State *L);

/* Of an activation of `L`. */
void
vmprof_lua_know(struct profiled_state *state, lua_State *L,
                lua_Debug *activation, struct known_function *out);

/* What is kept of a function on top of the stack, or NULL. */
struct known_function *
vmprof_lua_kept_function(lua_State *L);

/* lines.c */

/* Tell who covers lines which there are in the function that runs, if somebody
   does and has not been told since the events' epoch was another. */
void
vmprof_lua_tell_lines(const struct moment *moment,
                      struct known_function *function);

/* frames.c */

/* What runs already when the first event of a coroutine is wanted; without what
   is just being called. */
void
vmprof_lua_see_frames(struct hooked *hooked, bool has_call);

/* Whether our hook, called for this, is called for a call. */
bool
vmprof_lua_is_call(const lua_Debug *activation);

void
vmprof_lua_forget_frames(struct hooked *hooked);

/* What is above `activation`, which runs now, was left by an error: say so.
   NULL: all is. */
void
vmprof_lua_settle(struct moment *moment, const struct CallInfo *activation);

bool
vmprof_lua_push_frame(struct hooked *hooked, const struct seen_frame *frame);

/* NULL: none. From the innermost on. */
struct seen_frame *
vmprof_lua_frame(const struct hooked *hooked, size_t level);

/* switches.c: around a resume or a close of a coroutine. Tools see a stack of
   its own meanwhile. */

struct switched {
    const struct moment *moment; /* before */
    bool has_stack;
};

void
vmprof_lua_enter_coroutine(struct profiled_state *state, lua_State *coroutine,
                           struct switched *switched);

void
vmprof_lua_leave_coroutine(const struct switched *switched);

/* It is about to go on. Returns an error, for vmprof_lua_raise(). */
int
vmprof_lua_tell_resume(struct profiled_state *state, lua_State *coroutine);

/* It has yielded, returned, failed or been closed. Likewise. */
int
vmprof_lua_tell_suspension(struct profiled_state *state, lua_State *coroutine);

/* values.c */

/* Values are asked of this event from now on; returns which it was before. */
const struct moment *
vmprof_lua_set_moment(const struct moment *moment);

const struct moment *
vmprof_lua_moment(void);

int
vmprof_lua_value(void *user, struct vmprof_thread *thread,
                 const struct vmprof_event *event, enum vmprof_value_name name,
                 uint64_t index, struct vmprof_value *out);

/* tools.c */

int
vmprof_lua_register_tool(lua_State *L);

/* Raise the error value of a callback in Lua, if one is kept. */
void
vmprof_lua_raise_kept(lua_State *L);

#endif
