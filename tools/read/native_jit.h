/* SPDX-License-Identifier: MIT */

/*
 * TRACES, EVENTS and COUNTS: what a JIT told. Lists of a trace come in pieces
 * and may be replaced, so each trace has its own until all is read.
 */
#ifndef READ_NATIVE_JIT_H
#define READ_NATIVE_JIT_H

#include <vmprof/jit.h>

#include "cursor.h"
#include "intern.h"
#include "traces_store.h"

enum {
    CHUNK_TRACES = 13,
    CHUNK_EVENTS = 14,
    CHUNK_COUNTS = 15,
};

struct native;
struct native_chunk;

/* A growing array of whatever. */
struct list {
    void *members;
    uint32_t count, capacity;
};

struct native_place {
    uint64_t bytecode;
    uint32_t code; /* index into the profile's */
    uint32_t line;
    uint32_t parent; /* 1 + its number; 0: none */
};

struct native_guard {
    uint32_t index; /* into the model's */
    uint32_t place; /* 1 + its number; 0: unknown */
};

struct native_operation {
    const char *text;
    uint32_t offset;
    uint32_t place, guard; /* 1 + its number; 0: none */
};

/* What the model has of a trace as it is read is there; this is the rest. */
struct native_trace {
    struct native_place start;
    const char *name;
    uint64_t process;
    uint64_t guard_id, first_guard_id;
    uint32_t code; /* of its frames: index into the profile's; 0: none yet */
    bool described;
    struct list guards, places, positions, operations, code_bytes;
};

struct native_jit {
    struct native_trace *traces; /* by index of the model */
    uint32_t trace_capacity;
    struct vmp_intern processes;          /* session's pid, program */
    struct vmp_intern ids;                /* process, id → index - 1 */
    struct vmp_intern guard_ids;          /* the same of guards */
    struct native_event_thread **threads; /* by index of the profile */
    uint32_t thread_capacity;
    double ns_per_tick;         /* of the last marks; 0: not known */
    struct vmp_intern kinds;    /* process, id and edge */
    struct native_usual *usual; /* by kind: how long what follows takes */
    uint32_t usual_capacity;
};

/* The index of a trace of that id, which is made if it is new; 0 for 0; or
 * -ENOMEM. */
int64_t
native_find_trace(struct native *native, uint32_t session, uint64_t id);

/* The index of a guard of that id; 0: not known. */
uint32_t
native_find_guard(const struct native *native, uint32_t session, uint64_t id);

/* The frame of a trace at an offset of its machine code, or a negative errno. */
int64_t
native_trace_frame(struct native *native, uint32_t session, uint64_t id,
                   uint64_t offset, bool has_offset);

/* The node of that frame, and of all that is inlined there. */
int64_t
native_trace_node(struct native *native, uint32_t parent, uint32_t frame);

/* Hand over the events that waited for a mark. 0, -ENOMEM or -ECANCELED. */
int
native_events_finish(struct native *native);

/* Put into the model what each trace has. 0 or -ENOMEM. */
int
native_traces_finish(struct native *native);

void
native_jit_free(struct native *native);

#endif
