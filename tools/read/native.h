/* SPDX-License-Identifier: MIT */

/* The reader of the native format, doc/format.md. Internal to its files. */
#ifndef READ_NATIVE_H
#define READ_NATIVE_H

#include "cursor.h"
#include "index_map.h"
#include "input.h"
#include "intern.h"
#include "native_jit.h"
#include "native_sums.h"
#include "profile.h"
#include "type_table.h"

enum {
    /* So many that a batch's arrays stay in the first-level cache. */
    BATCH_SIZE = 1024,
};

struct native_session {
    uint64_t next_number; /* of the chunk that should follow */
    uint64_t unit_ns;
    bool refused;     /* a version of the format that we do not know */
    uint32_t process; /* plus 1; 0: not known yet */
    struct index_map modules, frames, nodes, words;
};

struct native_batch {
    uint32_t nodes[BATCH_SIZE];
    uint64_t times_ns[BATCH_SIZE];
    uint64_t weights_ns[BATCH_SIZE];
    uint8_t phases[BATCH_SIZE];
    uint8_t states[BATCH_SIZE];
};

/* Where rows of what a layer gathered are in the profile's array. */
struct native_rows {
    struct vmp_intern index;
    uint32_t capacity;
};

struct native {
    struct profile *profile;
    struct input input;
    struct read_options options;
    batch_function on_batch;
    void *user;
    int stopped;           /* what on_batch returned, if not 0 */
    uint64_t chunks;       /* whole ones */
    uint64_t newer_format; /* version of a session that was refused, or 0 */
    uint32_t unknown_node; /* for samples whose stack is lost */

    struct native_session *sessions; /* parallel to the profile's */
    uint32_t session_capacity;
    struct vmp_intern session_ids; /* id → index of session */
    struct vmp_intern thread_ids;  /* (session, index) → index of thread */
    struct vmp_intern code_ids;    /* (session, id) → index in codes */
    uint32_t *codes;
    uint32_t code_capacity;
    struct type_table types;
    struct native_rows count_rows, line_rows, call_rows;
    struct native_jit jit;
    uint64_t *recorded_numbers; /* by thread: of the next recorded event */
    uint32_t recorded_capacity;

    struct native_batch batch;
    struct native_sums sums; /* used if the options say so */
};

struct native_chunk {
    uint32_t session; /* its index */
    uint32_t number, type, flags;
    struct cursor payload;
};

/*
 * Take in one chunk. Return 0, -ENOMEM, or -EBADMSG for a payload that is not
 * as it should be; what came before that place is kept.
 */
int
native_session_chunk(struct native *native, struct native_chunk *chunk);
int
native_codes_chunk(struct native *native, struct native_chunk *chunk);
int
native_frames_chunk(struct native *native, struct native_chunk *chunk);
int
native_nodes_chunk(struct native *native, struct native_chunk *chunk);
int
native_modules_chunk(struct native *native, struct native_chunk *chunk);
int
native_thread_chunk(struct native *native, struct native_chunk *chunk);
int
native_stats_chunk(struct native *native, struct native_chunk *chunk);
int
native_words_chunk(struct native *native, struct native_chunk *chunk);
int
native_sites_chunk(struct native *native, struct native_chunk *chunk);
int
native_traces_chunk(struct native *native, struct native_chunk *chunk);
int
native_counts_chunk(struct native *native, struct native_chunk *chunk);
int
native_event_counts_chunk(struct native *native, struct native_chunk *chunk);
int
native_lines_chunk(struct native *native, struct native_chunk *chunk);
int
native_calls_chunk(struct native *native, struct native_chunk *chunk);
int
native_end_chunk(struct native *native, struct native_chunk *chunk);

/* The same; also -ECANCELED after a function of the caller said to stop. */
int
native_samples_chunk(struct native *native, struct native_chunk *chunk);
int
native_events_chunk(struct native *native, struct native_chunk *chunk);
int
native_recorded_chunk(struct native *native, struct native_chunk *chunk);

/*
 * The frame of an address, by its names, or by its number; that of the
 * innermost function if there are several. Or a negative errno.
 */
int64_t
native_address(struct native *native, uint32_t session, uint32_t module,
               uint64_t address);

/* Where the profile's index of a session's code is kept. NULL: no memory. */
uint32_t *
native_find_code(struct native *native, uint32_t session, uint64_t id);

/* The index of a session's thread, which is added if it is new. */
int64_t
native_thread(struct native *native, uint32_t session, uint64_t index);

/* Something happened at that time since the session's start. */
void
native_saw_time(struct native *native, uint32_t session, uint64_t time_ns);

/* Read it all from native->input. Returns 0, -ENOMEM or -ECANCELED. */
int
native_read(struct native *native);

void
native_layers_free(struct native *native);

void
native_free(struct native *native);

#endif
