/* SPDX-License-Identifier: MIT */

/*
 * What is known of the instructions that samples are at: where they are, and how
 * to unwind from them. Kept, for as long as the modules are the same. The
 * writer's alone.
 */
#ifndef VMP_INSTRUCTIONS_H
#define VMP_INSTRUCTIONS_H

#include "../format/encoder.h"
#include "cfi.h"
#include "modules.h"

struct vmp_instruction {
    uint64_t address;   /* 0: free */
    uint32_t frame;     /* in the file; 0: there was no memory for it */
    bool is_of_no_file; /* machine code that somebody made */
    bool is_lost;       /* at one address of many that have no frame */
    struct vmp_row row;
};

struct vmp_instructions {
    struct vmp_encoder *encoder;
    struct vmp_modules modules;
    struct vmp_reader reader;
    struct vmp_instruction *slots;
    size_t count, size;               /* a power of two */
    struct vmp_instruction uncertain; /* not to be kept */
};

/* Returns 0 or -ENOMEM; then there is nothing to free. */
int
vmp_instructions_new(struct vmp_instructions *known,
                     struct vmp_encoder *encoder);
void
vmp_instructions_free(struct vmp_instructions *known);

/* Samples of another round follow; and each of them, by its time. */
void
vmp_instructions_begin(struct vmp_instructions *known);
void
vmp_instructions_turn_to(struct vmp_instructions *known, uint64_t sample_ns);

/* Where the function that begins there ends; 0: unknown. */
uint64_t
vmp_instructions_end(struct vmp_instructions *known, uint64_t function);

/* Good until the next question. */
const struct vmp_instruction *
vmp_instruction_at(struct vmp_instructions *known, uint64_t address);

#endif
