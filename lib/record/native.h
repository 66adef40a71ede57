/* SPDX-License-Identifier: MIT */

/* The native part of a record, between the handler and the writer. */
#ifndef VMP_NATIVE_H
#define VMP_NATIVE_H

#include <stdint.h>

#include <vmprof/sampler.h>

#include "../os/machine.h"
#include "chain.h"

enum {
    VMP_MOST_NATIVE_FRAMES = 1024,
    VMP_LEAF_WORDS = 16,
};

/*
 * Behind the frames of a record that has any (enum vmp_record_part): for each
 * frame a uint64_t, the stack pointer of what entered it; then one of these, in
 * a struct vmp_native_copy or vmp_native_chain.
 */
struct vmp_native {
    uint32_t size;   /* bytes that follow, a multiple of 8 */
    uint32_t is_cut; /* there would have been more */
    uint64_t from;   /* the address of the copy */
    uint64_t sp,
        end; /* the stack pointer, and where its stack ends: 0 unknown */
};

/* Followed by the copy of the stack. */
struct vmp_native_copy {
    struct vmp_native head;
    struct vmp_registers registers;
};

/*
 * Followed by struct vmp_frame_record, innermost first. The innermost function
 * may not have set up its frame, or do without one: then the frame pointer is
 * its caller's, whose address is among the first words on the stack, or in
 * `link`.
 */
struct vmp_native_chain {
    struct vmp_native head;
    uint64_t pc, fp, link; /* of the innermost function */
    uint64_t kept;       /* outermost frame records that are the last chain's */
    uint64_t word_count; /* of what follows, from the stack pointer on */
    uint64_t words[VMP_LEAF_WORDS];
};

/* Fill in what native frames are by default. Returns 0, -EINVAL or -ENOTSUP. */
int
vmp_native_check(struct vmprof_options *options);

/* The native part of a record at most; and how large a ring is by default, of
 * which `usual` would be enough for other records. Bytes. */
uint64_t
vmp_native_most(const struct vmprof_options *options);
uint64_t
vmp_native_ring(const struct vmprof_options *options, uint64_t usual);

#endif
