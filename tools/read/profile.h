/* SPDX-License-Identifier: MIT */

/*
 * A profile as every reader hands it over, whatever the file was: tables that
 * live as long as the profile, and samples in batches that pass by.
 *
 * Sessions of one file share the tables: indexes here run over the whole file,
 * and strings are interned. Names hold whatever the file held: any byte but
 * NUL, not always UTF-8. Who prints them escapes them.
 */
#ifndef READ_PROFILE_H
#define READ_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "gathered.h"
#include "recorded.h"
#include "traces.h"

struct profile;

/* A code object, its name in parts, already unescaped; or a native function. */
struct code {
    uint64_t id;          /* 0: none, as of native functions */
    const char *language; /* the code class: the first part of the full name */
    const char *function;
    const char *file;
    const char *module; /* path of a native function's; else "" */
    uint32_t line;      /* where the function begins; 0: unknown */
};

/* Kinds that no VM enters, beside those of enum vmprof_kind. */
enum frame_kind {
    FRAME_TRACE = 6,    /* a trace; offset: in its machine code. Frames of
                           what is inlined there follow */
    FRAME_SYSTEM = 8,   /* time in the kernel */
    FRAME_NO_POLL = 9,  /* time between two polls that were too far apart */
    FRAME_ADDRESS = 10, /* machine code: the offset is an address of its file */
};

/* An address is a frame, and each call that was inlined there one more. */
struct frame {
    uint32_t code;   /* index into codes */
    uint32_t kind;   /* enum vmprof_kind or frame_kind; 0 for CUT */
    uint32_t line;   /* where it is; 0: unknown */
    uint64_t offset; /* in the code; of JITTED ones of a vmprof log: where
                        the machine code begins that they are one trace of */
    bool has_offset;
    bool is_machine_code;  /* whoever made it; the offset is its address */
    uint32_t module;       /* index into modules; 0: none */
    uint32_t inlined_into; /* the frame around it, always in one with it; or
                              0: none */
    uint32_t trace;   /* that it is in: of FRAME_TRACE and of what is inlined
                       there; else 0 */
    const char *file; /* of the line; NULL: the code's */
};

/* Whether it stands for time that no sample was taken of. */
static inline bool
frame_is_gap(const struct frame *frame)
{
    return frame->kind == FRAME_SYSTEM || frame->kind == FRAME_NO_POLL;
}

/* A file that was mapped into a process. Number 0 stands for none. */
struct module {
    uint32_t session;
    const char *path;
    const char *build_id; /* in hexadecimal; "": none */
    uint64_t start, size; /* in the process */
    uint64_t offset;      /* of that in the file */
    uint64_t bias;        /* address in the process less that in the ELF file */
};

/* A node of the call tree. parent < own index, but for node 0: the root. */
struct node {
    uint32_t parent;
    uint32_t frame;
    uint32_t depth; /* frames from the root to here; 0 for node 0 */
};

struct thread {
    uint32_t session; /* index into sessions */
    uint64_t id;      /* the kernel's */
    const char *name;
    uint64_t start_ns, end_ns; /* since its session's start; end 0: unknown */
    uint64_t cpu_ns;           /* used in the session; 0: unknown */
};

struct session {
    const char *vm_name, *program, *os, *machine, *library_version;
    uint64_t unix_ns; /* start, since 1970 */
    uint64_t monotonic_ns;
    uint64_t interval_ns;
    uint64_t pid;
    uint32_t mode;   /* enum vmprof_mode */
    uint32_t clock;  /* enum vmprof_clock; 0: the format does not say */
    uint64_t end_ns; /* the latest time seen, since the start */
    bool ended;      /* in order; false: killed, cut, or still running */
    bool has_memory; /* the samples hold the process's resident memory */
    uint64_t memory_first_kb, memory_least_kb, memory_most_kb;
    bool has_stats;
    struct session_stats {
        uint64_t expirations, samples;
        uint64_t lost_ring_full, lost_busy, lost_switching, lost_walker,
            lost_overrun;
        uint64_t stacks_cut, frames_cut, overflows, locations_lost;
        uint64_t clock_failures, sampled_ns, unwritten;
        uint64_t polled, held_back, system_ticks;
        uint64_t native_cut, native_failed, clock_retries;
    } stats;
    struct recorded_totals *recorded; /* NULL: no events were recorded */
};

/* A read-out of bytecodes. The hits of all of them are summed up. */
struct readout {
    uint32_t session;
    uint64_t from_ns, time_ns; /* since its session's start */
    uint64_t period;
    bool jitter;
};

enum {
    MAX_OPERANDS = 8,
    WORD_NULL = 0, /* "<NULL>", of a missing operand */
    WORD_LOST = 1, /* "[unknown]", of a damaged part */
};

/* Operands of these types at a site, and how often. */
struct type_tuple {
    uint64_t hits;
    uint32_t site; /* its index */
    uint32_t count;
    uint32_t words[MAX_OPERANDS]; /* the deepest first */
};

/*
 * A bytecode of a code object, or the hits of one that have no place. One that
 * has the same name and place but another hash is another site.
 */
struct type_site {
    uint32_t code; /* index into codes */
    bool has_code; /* false: hits of any code */
    bool has_place;
    uint32_t line; /* 0: unknown */
    uint32_t opcode;
    const char *opcode_name; /* "": unknown */
    uint64_t offset;
    uint64_t hash; /* of the code's content; 0: unknown */
    uint64_t hits; /* = typed + other + untyped; 0: it was never hit */
    uint64_t typed, other, untyped;
    uint64_t bytecodes;   /* that the hits stand for */
    uint32_t first_tuple; /* the most frequent one */
    uint32_t tuple_count;
};

/* What a reader made the best of; repair_words() says it. */
enum repair {
    REPAIR_START,
    REPAIR_HEADER_MISSING,
    REPAIR_HEADER_TWICE,
    REPAIR_VERSION,
    REPAIR_LAYOUT,
    REPAIR_PERIOD,
    REPAIR_META_TWICE,
    REPAIR_NAME_TWICE,
    REPAIR_NAME_MISSING,
    REPAIR_NAME_NOT_UTF8,
    REPAIR_STRETCH,
    REPAIR_COUNT,
    REPAIR_KIND,
    REPAIR_HALF_FRAME,
    REPAIR_ALLOCATION,
    REPAIR_AFTER_END,
    REPAIR_BYTES_AFTER_END,
    REPAIRS,
};

/* What was wrong with the file, and what it cost. All zero: nothing. */
struct damage {
    uint64_t bytes_unread;    /* bytes that belong to no whole chunk */
    uint64_t first_offset;    /* of the first of these */
    uint64_t chunks_missing;  /* gaps in the numbers of a session */
    uint64_t chunks_unknown;  /* of a type or with flags we do not know */
    uint64_t samples_unknown; /* their stack was lost: it is "[unknown]" */
    uint64_t words_unknown;   /* names of types or opcodes that were lost */
    bool cut;                 /* the file ends in the middle of a chunk */
    uint64_t repairs[REPAIRS];
};

struct profile {
    const char *format; /* "vmprof native 1", "vmprof log" */
    struct session *sessions;
    struct thread *threads;
    struct code *codes; /* 0 is "unknown", 1 is CUT: "[truncated]" */
    struct module *modules;
    struct frame *frames;
    struct node *nodes;
    struct readout *readouts;
    struct type_site *type_sites; /* those of a code lie together */
    struct type_tuple *type_tuples;
    const char **words; /* names of types and opcodes; see WORD_NULL */
    uint32_t session_count, thread_count, code_count, module_count;
    uint32_t frame_count, node_count;
    uint32_t readout_count, type_site_count, type_tuple_count, word_count;
    uint64_t type_row_count; /* in the file: of all read-outs */
    uint64_t sample_count;
    uint64_t recorded_count; /* events */
    uint64_t file_size;
    struct damage damage;
    struct traces traces;     /* of a JIT; without any it is zeroed */
    struct gathered gathered; /* by layers of events; likewise */
    struct profile_private *private;
};

enum sample_state {
    SAMPLE_OFF_CPU = 1,
    SAMPLE_LEAF_MISSING = 2,
    SAMPLE_POLLED = 4,
    SAMPLE_HELD_BACK = 8,
};

/*
 * Consecutive samples of one thread, or sums of some; each array has `count`
 * members.
 */
struct batch {
    uint32_t thread; /* index into profile->threads */
    uint32_t count;
    const uint32_t *nodes;
    const uint32_t *counts;     /* samples of each sum; NULL: all are single */
    const uint64_t *times_ns;   /* since the session's start; of sums: NULL */
    const uint64_t *weights_ns; /* NULL where the reader was told not to */
    const uint8_t *phases;      /* enum vmprof_phase */
    const uint8_t *states;      /* enum sample_state bits */
    const uint64_t *memory_kb;  /* resident, of the process; NULL: unknown */
};

/* Returning other than 0 stops the reading with that result. */
typedef int (*batch_function)(void *user, const struct profile *profile,
                              const struct batch *batch);

/* One function at an address. */
struct symbol {
    const char *function;
    const char *file;    /* where it begins; "": unknown */
    uint32_t first_line; /* the same; 0: unknown */
    const char *at_file; /* of the address, or of the call inlined there */
    uint32_t at_line;    /* 0: unknown */
    bool jit;            /* made by a JIT compiler */
};

/*
 * What names machine code. `find` sets `symbols` to the functions at an address
 * of a module, the outermost first and behind it what was inlined, good until
 * the next call, and returns their number; 0: not known; -ENOMEM. Module 0 is
 * that of none.
 */
struct symboliser {
    int (*find)(void *user, const struct profile *profile, uint32_t session,
                uint32_t module, uint64_t address,
                const struct symbol **symbols);
    void *user;
};

/* Zeroed: none of it. */
struct read_options {
    const struct symboliser *symboliser; /* NULL: addresses keep their number */
    bool no_native;     /* leave machine code out: it is its VM frame's time */
    bool show_progress; /* on stderr, if it takes long */
    /*
     * Samples of one stack, thread, phase and state may come as one, in any
     * order: that is much faster. Readers need not.
     */
    bool summed;
    bool traces_need_times;      /* not so, if there are traces */
    jit_event_function on_event; /* what came of events, thread by thread */
    void *event_user;
    recorded_function on_recorded; /* recorded events, thread by thread */
    void *recorded_user;
};

/*
 * Read a whole file ("-": standard input), calling `on_batch` as samples come
 * by; tables may grow between two calls, and names are final behind the last,
 * as are sites and tuples, which are then in order.
 * NULL: only tables and counts. Without
 * `options` it is as with zeroed ones.
 *
 * Returns 0, also for a file with damage, whose readable part it holds; else
 * writes one sentence to `message` (what is wrong, where, what to do) and
 * returns -1: cannot be opened, empty, not a profile, nothing readable.
 */
int
profile_read(struct profile *profile, const char *path,
             const struct read_options *options, batch_function on_batch,
             void *user, char *message, size_t message_size);

/* How reports count a repair ("3 names are …"), and its key in JSON. */
const char *
repair_words(enum repair repair);
const char *
repair_key(enum repair repair);

/* Frees the tables. A zeroed profile is fine. */
void
profile_free(struct profile *profile);

#endif
