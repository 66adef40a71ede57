/* SPDX-License-Identifier: MIT */

/*
 * What the frame pointers of a thread's own stack said in its last record that
 * had them. The handler and the writer both keep it, so that the next record
 * holds no more than what has changed.
 */
#ifndef VMP_CHAIN_H
#define VMP_CHAIN_H

#include <stdint.h>

/* What a frame pointer leads to. */
struct vmp_frame_record {
    uint64_t fp; /* the caller's: where its frame record is */
    uint64_t pc; /* the return address */
};

struct vmp_chain {
    /* Outermost first, VMP_MOST_NATIVE_FRAMES and one at most. Each stands where
     * the `fp` of the next one says, which the last has after it. */
    struct vmp_frame_record *records;
    uint32_t count;
};

/* Put `count` records, innermost first, in the place of all but the `kept`
 * outermost ones; the innermost stands at `fp`. Any context. */
static inline void
vmp_chain_replace(struct vmp_chain *chain, uint32_t kept,
                  const struct vmp_frame_record *from, uint32_t count,
                  uint64_t fp)
{
    struct vmp_frame_record *to = chain->records + kept;

    chain->count = kept + count;
    for (uint32_t i = count; i--;)
        *to++ = from[i];
    to->fp = fp;
}

#endif
