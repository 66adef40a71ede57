/* SPDX-License-Identifier: MIT */

/* What layers are made of: a tool, and a record of what it gathers on each
 * thread. */
#ifndef VMP_LAYERS_H
#define VMP_LAYERS_H

#include <vmprof/layer.h>

#include "../../format/layers.h"
#include "../events/events.h"
#include "tally.h"

struct vmp_layer_record {
    struct vmp_layer_record *next;
    struct vmprof_layer *layer;
    bool is_used;    /* by a thread that lives; else the next one gets it */
    bool is_parents; /* that thread's, of the process before a fork(): it may
                        have been in the middle of a change */
    struct vmp_tally tally;
};

struct vmp_layer_kind {
    const char *name;
    uint64_t usual, possible; /* events */
    vmprof_event_function event;
    size_t layer_size;  /* of what begins with a struct vmprof_layer; 0: that */
    size_t record_size; /* of what begins with a struct vmp_layer_record */
    bool is_shared;     /* one record for all threads, under the lock */
    bool b_is_code;     /* as a is */

    /* A thread begins with a record, which may be another's of before; or ends.
     * NULL: there is nothing to do. */
    void (*begin)(struct vmp_layer_record *record);
    void (*end)(struct vmp_layer_record *record);

    /* By its thread: what goes on is to count up to now. Or NULL. */
    void (*settle)(struct vmp_layer_record *record);

    /* The layer is freed, after its records. Or NULL. */
    void (*close)(struct vmprof_layer *layer);

    /* How its rows are in a file. */
    const struct vmp_rows_kind *rows;
    bool is_repeated; /* each session's file has all of them */
};

struct vmprof_layer {
    const struct vmp_layer_kind *kind;
    vmprof_tool tool;
    unsigned slot;
    uint64_t events;
    bool in_profile, has_times;
    struct vmp_budget budget;
    atomic_uint_least64_t unmatched, abandoned;

    /* Under the lock. */
    struct vmprof_layer *next;
    bool is_ending; /* it is kept for what the session's file has not got */
    bool is_going;  /* it is no tool any more, and about to be taken away */
    struct vmp_layer_record *records;
    uint64_t written[VMP_ROWS_LOSSES]; /* of losses */
};

/* All of them, under the lock. */
struct vmp_layers {
    struct vmprof_layer *first;
    bool has_file; /* a session is being written */
};

extern struct vmp_layers vmp_layers;

/* The lock over all layers and their records, outside the events' and codes'. */
void
vmp_layers_lock(void);
void
vmp_layers_unlock(void);

int
vmp_layer_new(const struct vmp_layer_kind *kind,
              const struct vmprof_layer_options *options,
              struct vmprof_layer **out);

/* By a callback: what the thread has gathered, made if there is nothing yet;
 * NULL, and counted: out of memory. */
struct vmp_layer_record *
vmp_layer_record(struct vmprof_layer *layer, struct vmprof_thread *thread);

/* The record of an attached thread, made if it has none; under the lock. Returns
 * 0, -ESRCH or -ENOMEM. */
int
vmp_layer_record_of(struct vmprof_layer *layer, struct vmprof_thread *thread,
                    struct vmp_layer_record **out);

/* The same, or NULL. */
struct vmp_layer_record *
vmp_layer_record_if(struct vmprof_layer *layer, struct vmprof_thread *thread);

/* The layer that a tool is of, if it is of that kind; under the lock. */
struct vmprof_layer *
vmp_layer_of_tool(vmprof_tool tool, const struct vmp_layer_kind *kind);

/* Compares two struct vmp_entry by their key. */
int
vmp_by_key(const void *a, const void *b);

/* The rows of all records, a + b added up, sorted by whatever. The caller frees
 * them. Returns 0, -EINVAL: the layer is of another kind, or -ENOMEM. */
int
vmp_layer_rows(struct vmprof_layer *layer, const struct vmp_layer_kind *kind,
               int (*compare)(const void *, const void *),
               struct vmp_entry **out, uint32_t *count);

/* What the calling thread runs still, up to now. */
void
vmp_layers_settle(struct vmp_thread_events *own);

/* A thread detaches, of events too: nobody makes it another record meanwhile. */
void
vmp_layers_detach(struct vmp_thread_events *events);

/* Free it, which is no tool any more; under the lock. */
void
vmp_layer_drop(struct vmprof_layer *layer);

/* No thread finds its records any more. Under the lock, and the events'. */
void
vmp_layer_forget_records(struct vmprof_layer *layer);

/* A session's file begins, or ends. */
void
vmp_layers_open(void);
void
vmp_layers_close(void);

/* By the writer: have the codes of new rows named, which may be forgotten next;
 * and write what is new of all rows. */
void
vmp_layers_name(struct vmp_encoder *encoder);
void
vmp_layers_write(struct vmp_encoder *encoder, uint64_t time_ns);

/* The child of a fork(): what was gathered before is the parent's to write, and
 * of other threads nothing more comes. Under the lock. */
void
vmp_layers_leave_to_parent(struct vmp_thread_events *own);

#endif
