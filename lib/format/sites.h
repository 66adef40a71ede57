/* SPDX-License-Identifier: MIT */

/* Hits of bytecodes in the native format: chunks WORDS and SITES. */
#ifndef VMP_FORMAT_SITES_H
#define VMP_FORMAT_SITES_H

#include "encoder.h"
#include "format.h"

/* What is true of all rows of a read-out. */
struct vmp_readout {
    uint64_t time_ns, from_ns; /* of this one and the one before */
    uint64_t period;
    bool jitter;
};

/* Operands of these types, as words, and how often. */
struct vmp_tuple_info {
    uint64_t hits;
    uint32_t count;
    uint32_t words[VMP_OPERANDS_MAX];
};

struct vmp_site_info {
    uint64_t code;    /* 0: any */
    const char *name; /* of it; "class:function:line:file" */
    bool has_place;
    uint64_t offset;
    uint32_t opcode;
    uint32_t opname; /* word; 0: unknown */
    uint32_t line;   /* 0: unknown */
    uint64_t hash;   /* 0: unknown */
    uint64_t untyped, other, bytecodes;
    uint32_t tuple_count; /* at most VMP_TUPLES_MAX */
    const struct vmp_tuple_info *tuples;
};

/* What a word stands for. */
enum vmp_word_kind {
    VMP_WORD_TYPE,
    VMP_WORD_OPCODE,
};

/*
 * The index of a word, which is at least 1, or -ENOMEM. `id` tells words of a
 * kind apart: its text is only looked at the first time, and cut if it is too
 * long.
 */
int64_t
vmp_encoder_word(struct vmp_encoder *encoder, enum vmp_word_kind kind,
                 uint64_t id, const char *text);

/*
 * Write the rows of one read-out: begin, any number of rows, finish, with words
 * made in between as needed. Returns 0, or what the sink or malloc said.
 */
void
vmp_encoder_begin_sites(struct vmp_encoder *encoder,
                        const struct vmp_readout *readout);
int
vmp_encoder_site(struct vmp_encoder *encoder, const struct vmp_site_info *site);
int
vmp_encoder_finish_sites(struct vmp_encoder *encoder);

#endif
