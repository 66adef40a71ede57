/* SPDX-License-Identifier: MIT */

/*
 * The registry of traces: all that were ever reserved, by id. What a trace costs
 * once it is gone is its name and its counters, and ids end at 2^24; its lists
 * and its machine code are kept until the session that runs has written them.
 */
#ifndef VMP_JIT_TRACES_H
#define VMP_JIT_TRACES_H

#include <stdbool.h>

#include "../../format/format.h"
#include "told.h"

/* What a session's file has yet to be told of a trace, bits. */
enum vmp_trace_news {
    VMP_NEWS_STATE = 1,
    VMP_NEWS_LISTS = 2,  /* all that a VM tells when it registers */
    VMP_NEWS_GUARDS = 4, /* where guards go */
    VMP_NEWS_CODE = 8,   /* the machine code */
    VMP_NEWS_ALL = 15,
};

struct vmp_trace {
    vmprof_jit_id id; /* those of the guards follow */
    uint32_t guard_count;
    uint64_t *counters; /* 1 + guard_count; never freed */

    /* Under vmp_traces_lock(). */
    enum vmp_trace_state state;
    struct vmp_told *told; /* NULL: it was never registered */
    struct vmp_machine_code *code;
    vmprof_jit_id *bridges; /* by guard; NULL: none has one */
    const void *address;    /* the last; NULL: it never had any */
    bool is_placed;         /* handlers find it there */
    uint64_t since_ns, until_ns;
    uint64_t placed_ns; /* when it came to its address */
    vmprof_code_id aborted_code;
    uint32_t aborted_line;
    char *reason;
    unsigned news; /* enum vmp_trace_news */
    bool is_queued;
    bool is_brief;   /* its lists are gone */
    bool is_passing; /* it is not in the table, and freed once it is written */
    struct vmp_trace *next; /* in the queue */

    /* The writer's alone. */
    bool is_told;          /* in the session's file */
    uint64_t *told_counts; /* as the file has them; NULL: none */
};

/* A trace as it is now, with shares of what it is made of: the writer's. */
struct vmp_trace_copy {
    struct vmp_trace *trace;
    struct vmp_trace is; /* told and code are shares */
    unsigned news;
    vmprof_jit_id parent; /* also that of its guard */
    vmprof_jit_id *bridges;
};

enum vmp_recording {
    VMP_RECORD_NO_TRACES,
    VMP_RECORD_TRACES,
    VMP_RECORD_GONE_TRACES, /* to keep what is known of them for a while */
};

/* Have what changes from now on told; all that is registered counts as new. */
void
vmp_traces_record(enum vmp_recording recording);

/* Of how many traces there is news. */
unsigned
vmp_traces_queued(void);

/* The next trace of which there is news, which then is none any more. False:
 * there is none. */
bool
vmp_traces_next(struct vmp_trace_copy *out);

/* The same of one trace, whether there is news or not; false: no trace has the
 * id. */
bool
vmp_traces_get(vmprof_jit_id id, struct vmp_trace_copy *out);

/* Give the shares back. */
void
vmp_trace_copy_free(struct vmp_trace_copy *copy);

/* The trace of an id, or NULL: for the writer, whose own part it may use, and
 * its counters. */
struct vmp_trace *
vmp_traces_lookup(vmprof_jit_id id);

/* The same of the next one, from an index on that is 0 at first, whose counters
 * may have changed since `start_ns`. NULL: there is none. */
struct vmp_trace *
vmp_traces_next_counted(uint32_t *index, uint64_t start_ns);

/* A trace that had an address in its machine code at `time_ns`, and where. It
 * may have gone a moment before. */
bool
vmp_traces_find(uint64_t address, uint64_t time_ns, vmprof_jit_id *id,
                uint64_t *offset);

/*
 * What ran at an offset of a trace, the outermost function first: the place of
 * each, at most `most` of them. Without an offset, or where the VM has told of no
 * places, it is the function that the trace began in. Returns how many.
 */
uint32_t
vmp_traces_inlined(const struct vmp_trace *trace, const uint64_t *offset,
                   struct vmprof_trace_place *out, uint32_t most);

/* Where its machine code is, or was; 0: nowhere. */
uint64_t
vmp_traces_address(const struct vmp_trace *trace);

/* How a trace is unwound, an enum vmprof_trace_frame; and its frame's size. */
uint32_t
vmp_traces_frame(vmprof_jit_id id, uint64_t *frame_size);

/* Around fork(), inside all other locks; the child keeps all traces. */
void
vmp_traces_lock(void);
void
vmp_traces_unlock(void);

/* In the child, in place of unlocking. */
void
vmp_traces_leave_to_parent(void);

#endif
