/* SPDX-License-Identifier: MIT */

/*
 * A reader of the native format, written from doc/format.md alone and strict:
 * anything that a writer should not have done is an error. One session.
 */
#ifndef DECODE_H
#define DECODE_H

#include <stddef.h>
#include <stdint.h>

enum {
    DECODED_KEYS = 64, /* of fields: number or string by key */
    DECODED_TYPES = 20,
    DECODED_MAX_DEPTH = 1 << 17,
};

struct decoded_fields {
    uint64_t number[DECODED_KEYS];
    char *string[DECODED_KEYS];
};

struct decoded_code {
    uint64_t id;
    char *name;
};

struct decoded_frame {
    uint64_t code, kind, line, offset, module;
    int has_offset;
};

struct decoded_node {
    uint32_t parent, frame;
};

struct decoded_sample {
    uint32_t thread, node;
    uint64_t time, weight; /* units */
    uint32_t phase, state;
};

struct decoded_thread {
    int known;
    struct decoded_fields fields; /* the last one */
    uint64_t time;                /* of its last sample */
};

/* A row of a read-out; words are indexes. */
struct decoded_site {
    uint64_t time, from, period, jitter; /* of its read-out; units */
    uint64_t code, bits, offset, opcode, line, opname, hash;
    uint64_t untyped, other, typed, bytecodes;
    size_t tuple_count;
    struct decoded_tuple {
        uint64_t hits;
        size_t count;
        uint32_t words[8];
    } * tuples;
};

/* An edge that a thread took. */
struct decoded_event {
    uint32_t thread, id, edge;
    uint32_t bits;   /* of its chunk */
    uint64_t number; /* of the thread's */
    uint64_t lost;   /* before its chunk */
    int64_t ticks;
    double ns, cpu_ns; /* by the marks around it */
};

/* What a VM told of. */
struct decoded_recorded {
    uint32_t thread, kind;
    uint64_t number; /* of the thread's */
    uint64_t time_ns, code, line, offset, target, callee, missing;
};

struct decoded_recorded_totals {
    unsigned told; /* times */
    uint64_t events, period, rate;
    /* By kind: recorded, left out, above the rate, without room. */
    uint64_t counts[64][4];
};

/* A row of one of a trace's lists. */
struct decoded_row {
    uint64_t columns[4]; /* as in the file */
    char *text;
};

struct decoded_list {
    struct decoded_row *rows;
    size_t count;
};

/* What a JIT has compiled, as it was told last. */
struct decoded_trace {
    uint64_t id;
    unsigned told; /* times */
    struct decoded_fields fields;
    struct decoded_list guards, places, positions, operations;
    unsigned char *code;
    size_t code_size;
};

struct decoded_count {
    uint64_t time, id, count;
};

/* A row of what a layer gathered; numbers as doc/format.md has them, codes and
 * callers whole: caller UINT64_MAX is the sum of all. */
struct decoded_gathered {
    uint64_t type, time;
    uint64_t a, b, values[4];
};

struct decoded {
    char error[160]; /* empty: none */
    uint32_t session_number, chunk_count;
    uint32_t payloads[DECODED_TYPES]; /* by type, alone or in a group */
    struct decoded_fields session, stats;
    int ended;
    uint64_t end_time;
    struct decoded_code *codes;
    struct decoded_fields *modules; /* [0] is none */
    struct decoded_frame *frames;   /* [0] is the cut frame */
    struct decoded_node *nodes;     /* [0] is the empty stack */
    struct decoded_sample *samples; /* in the order of the file */
    struct decoded_thread *threads;
    size_t code_count, frame_count, node_count, sample_count, thread_count;
    size_t module_count;
    char **words;               /* [0] is the missing type */
    struct decoded_site *sites; /* in the order of the file */
    size_t word_count, site_count;
    struct decoded_event *events; /* in the order of the file */
    size_t event_count;
    struct decoded_trace *traces;
    struct decoded_count *counts; /* in the order of the file */
    struct decoded_gathered *gathered;
    size_t gathered_count;
    uint64_t losses[DECODED_TYPES][3]; /* of these, by type */
    size_t trace_count, count_count;
    struct decoded_recorded *recorded; /* in the order of the file */
    size_t recorded_count;
    struct decoded_recorded_totals recorded_totals; /* the last */
    size_t whole;                                   /* bytes of whole chunks */
};

/* Returns 0, or -1 with an error. A last chunk that is cut off is no error:
 * `whole` says where it begins. */
int
decode(struct decoded *decoded, const void *bytes, size_t size);

/* The same for all that is in a file. */
int
decode_fd(struct decoded *decoded, int fd);

void
decoded_free(struct decoded *decoded);

/* The frames of a node, outermost first, as indexes into frames. Returns how
 * many there are; at most `max` are stored. */
size_t
decoded_stack(const struct decoded *decoded, uint32_t node, uint32_t *frames,
              size_t max);

/* The name of a code, or NULL. */
const char *
decoded_name(const struct decoded *decoded, uint64_t id);

/* A trace, or NULL; and how often it was entered or a guard left through. */
struct decoded_trace *
decoded_trace(const struct decoded *decoded, uint64_t id);
uint64_t
decoded_count(const struct decoded *decoded, uint64_t id);

/* CRC-32C, bit by bit. */
uint32_t
decode_crc32c(const void *bytes, size_t size);

#endif
