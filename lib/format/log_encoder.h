/* SPDX-License-Identifier: MIT */

/* The encoder of the vmprof log: what its files share, and they alone. */
#ifndef VMP_LOG_ENCODER_H
#define VMP_LOG_ENCODER_H

#include "encoder_state.h"
#include "log.h"

enum {
    VMP_LOG_BUFFER_SIZE = VMP_LOG_STACK_MAX, /* a record always fits */
};

/* An array that grows with what it is an array of. */
struct vmp_log_table {
    void *rows;
    uint32_t size;
};

/* A frame as a stack has it. All zero: there was no memory for it. */
struct vmp_log_frame {
    uint64_t id;
    uint64_t trace; /* that it is of; 0: none */
    uint32_t line;
    uint32_t kind; /* enum vmp_log_kind */
};

struct vmp_log_node {
    uint32_t parent, frame;
};

struct vmp_log_module {
    struct vmp_module_info info; /* only the path and the bias */
    char *path;
};

struct vmp_log_encoder {
    struct vmp_encoder base;
    struct vmp_log_options options;
    bool has_pairs;
    uint64_t period_ns, unix_ns;
    uint64_t memory_kb, repeats;
    struct vmp_counters counters;
    bool has_counters;

    /* By number less one, but for threads. */
    struct vmp_log_table frames;  /* struct vmp_log_frame */
    struct vmp_log_table nodes;   /* struct vmp_log_node */
    struct vmp_log_table modules; /* struct vmp_log_module */
    struct vmp_log_table threads; /* uint64_t, their ids */
    uint32_t module_count, thread_count;
    struct vmp_intern functions;      /* (start, scope) */
    struct vmp_log_table function_of; /* uint64_t, their ids */
    struct vmp_intern ids;            /* of functions, in use */
    uint32_t synthetics;              /* bits: those that have their name */

    uint32_t node; /* whose stack `words` is; 0: nobody's */
    uint32_t word_count;
    uint64_t words[VMP_LOG_DEPTH_MAX];

    uint64_t samples; /* in the buffer */
    size_t used;
    unsigned char buffer[VMP_LOG_BUFFER_SIZE];
};

static inline struct vmp_log_encoder *
vmp_log_of(struct vmp_encoder *encoder)
{
    return (struct vmp_log_encoder *)encoder;
}

/* The row at `index`, made if need be; NULL: no memory. */
void *
vmp_log_row(struct vmp_log_table *table, uint32_t index, size_t row_size);

/* Make room for a record, by handing out those before it. */
int
vmp_log_reserve(struct vmp_log_encoder *log, size_t size);
int
vmp_log_send(struct vmp_log_encoder *log);

/* Append to it. */
void
vmp_log_put_byte(struct vmp_log_encoder *log, unsigned value);
void
vmp_log_put_word(struct vmp_log_encoder *log, uint64_t value);

/* A record. The text is made fit for it in place. */
void
vmp_log_put_name(struct vmp_log_encoder *log, enum vmp_log_marker marker,
                 uint64_t id, char *name, size_t size);

/* What log_definitions.c and log_samples.c make of the encoder's calls. */
void
vmp_log_code(struct vmp_encoder *encoder, uint64_t id, char *name, size_t size);
void
vmp_log_frame(struct vmp_encoder *encoder, uint64_t code,
              const struct vmp_place *place);
void
vmp_log_address(struct vmp_encoder *encoder, uint32_t module, uint64_t address);
uint32_t
vmp_log_module(struct vmp_encoder *encoder, const struct vmp_module_info *info);
void
vmp_log_node(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame);
int
vmp_log_sample(struct vmp_encoder *encoder, const struct vmp_sample *sample);

/* The id of what is not code: the kind of frame says what. Names it. */
uint64_t
vmp_log_synthetic(struct vmp_log_encoder *log, uint64_t kind);

/* Beside enum vmp_frame_kind: outer frames that are missing, and waiting. */
enum {
    VMP_LOG_SYNTHETIC_CUT = 16,
    VMP_LOG_SYNTHETIC_OFF_CPU = 17,
    VMP_LOG_SYNTHETICS = 18,
};

#endif
