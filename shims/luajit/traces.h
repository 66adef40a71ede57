/* SPDX-License-Identifier: MIT */

/*
 * What LuaJIT compiles, told to the library: listen.c has the events of the JIT
 * compiler, recording.c what they say of the trace that is being recorded,
 * describe.c asks for the rest when it is done, traces.c keeps those that there
 * are, and edges.h has their machine code tell where it goes.
 */
#ifndef LUAJIT_SHIM_TRACES_H
#define LUAJIT_SHIM_TRACES_H

#include "state.h"

#include <vmprof/trace.h>

struct edges;

enum {
    MAX_TRACES = 65536, /* LuaJIT's numbers have 16 bits */
    MAX_DEPTH = 128,    /* of inlined calls that are told apart */
    MOST_PATCHED = 11,  /* bytes */
};

/* A place in the machine code of a trace that is written over, both ways. */
struct patch {
    uint8_t *at;
    size_t size;
    uint8_t before[MOST_PATCHED], after[MOST_PATCHED];
};

/* How a trace ends, as LuaJIT names it. */
enum link_type {
    LINK_LOOP,        /* all that come back to their own beginning */
    LINK_ROOT,        /* to the beginning of another */
    LINK_RETURN,      /* from the function that it began in */
    LINK_INTERPRETER, /* and all others */
};

struct jit_trace {
    struct vmprof_reserved_trace ids;
    uint32_t number;
    uint32_t parent, exit; /* of a side trace; 0: it is a root trace */
    uint32_t root;         /* whose tree it is in; its own number of a root */
    uint32_t link;         /* the trace that it goes on to; 0: none */
    enum link_type link_type;
    uint32_t exit_count;
    uint8_t *code;
    size_t size, loop_offset;
    /* Of edges.h. */
    uint8_t *head; /* the store of its number; NULL: not found */
    struct patch *patches;
    size_t patch_count;
    bool is_patched;
    /* The stack on which it was recorded, outermost first; the last frame is of
       the function that it begins in. */
    struct vmprof_walked_frame *stack;
    size_t depth;
};

/* While a trace is being recorded: which bytecode its operations came from. */
struct step {
    uint32_t operations; /* that there were before it */
    uint32_t place;
};

struct recording {
    uint32_t number; /* 0: none is */
    uint32_t parent, exit;
    vmprof_code_id code;
    uint64_t offset;
    uint32_t line;
    struct vmprof_trace_place *places;
    size_t place_count, place_room;
    struct step *steps;
    size_t step_count, step_room;
    uint32_t at_depth[MAX_DEPTH]; /* 1 + the place of the last call there */
    struct vmprof_walked_frame *stack;
    size_t depth;
};

/* Of one state. */
struct traces {
    struct profiled_state *state;
    struct jit_trace *by_number[MAX_TRACES];
    struct recording recording;
    struct edges *edges;
    bool is_attached;
    /* References in the registry: jit.util, the texts of jit.vmdef.traceerr,
       and the program's own handler of the events. */
    int util, reasons, handler;
    int loop_operation; /* as jit.util.traceir() has it; -1: not known */
    uint32_t emits;     /* that the edges were made with */
    uint64_t registered, aborted, unknown;
};

/* listen.c */

/* Listen to the JIT compiler from now on, or again after a detach. Without a
   JIT compiler nothing happens. May raise errors of memory. */
void
vmprof_luajit_traces_attach(lua_State *L, struct profiled_state *state);

/* Make the edges of all traces anew. */
void
vmprof_luajit_traces_make_edges(lua_State *L, struct traces *traces);

/* The same if they should emit something else now. NULL is allowed. */
void
vmprof_luajit_traces_update(lua_State *L, struct traces *traces);

/* Leave the machine code as LuaJIT made it. NULL is allowed. */
void
vmprof_luajit_traces_detach(struct traces *traces);

/* recording.c: arguments of the events are on the stack as LuaJIT passes them.
 */

/* At the start: which trace it is, without a call of Lua's, and then what it
   began in. */
void
vmprof_luajit_recording_begin(lua_State *L, struct traces *traces);

void
vmprof_luajit_recording_describe(lua_State *L, struct traces *traces);

void
vmprof_luajit_recording_step(lua_State *L, struct traces *traces);

void
vmprof_luajit_recording_abort(lua_State *L, struct traces *traces);

void
vmprof_luajit_recording_free(struct recording *recording);

/* describe.c: push field `name` of jit.util. */
void
vmprof_luajit_push_util(lua_State *L, const struct traces *traces,
                        const char *name);

/* An integer field of the table on top of the stack; 0 if there is none. */
uint32_t
vmprof_luajit_field(lua_State *L, const char *name);

/* Make the trace that was just finished, with all that LuaJIT tells of it, and
   register it. Returns NULL if that failed. */
struct jit_trace *
vmprof_luajit_describe(lua_State *L, struct traces *traces, uint32_t number);

/* traces.c */

/* It belongs to the table then. */
void
vmprof_luajit_traces_add(struct traces *traces, struct jit_trace *trace);

/* Unregister and free it. */
void
vmprof_luajit_traces_remove(struct traces *traces, uint32_t number);

void
vmprof_luajit_traces_clear(struct traces *traces);

void
vmprof_luajit_traces_free(struct traces *traces);

/* The trace that the thread runs, or NULL. Async-signal-safe. */
const struct jit_trace *
vmprof_luajit_running(const struct profiled_state *state);

#endif
