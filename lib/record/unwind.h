/* SPDX-License-Identifier: MIT */

/*
 * From the native part of a record to frames of the file. What is known of an
 * instruction is kept: its frame and how to unwind it. The writer's alone.
 */
#ifndef VMP_UNWIND_H
#define VMP_UNWIND_H

#include "../format/encoder.h"
#include "jit/tell.h"
#include "native.h"
#include "ring.h"

struct vmp_unwinder;

/* One native frame, innermost first. */
struct vmp_unwound {
    uint64_t cfa; /* where the caller's frame begins; where this one does if
                     that is all that is known, and of a trace: VM frames that
                     stand in it come outside */
    uint64_t pc;
    uint32_t frame;      /* its index in the file */
    vmprof_jit_id trace; /* that it is of; 0: none */
    bool is_of_no_file;  /* machine code that somebody made */
    bool is_lost;        /* the frame is that of many addresses */
};

enum vmp_unwind_end {
    VMP_UNWIND_WHOLE,
    VMP_UNWIND_CUT,    /* the copy ended */
    VMP_UNWIND_FAILED, /* nothing is known of the last, or it is nonsense */
};

/* Returns 0 or -ENOMEM. */
int
vmp_unwinder_new(struct vmp_unwinder **out, struct vmp_encoder *encoder,
                 struct vmp_telling *traces);
void
vmp_unwinder_free(struct vmp_unwinder *unwinder);

/* Another round of emptying rings begins. */
void
vmp_unwinder_begin(struct vmp_unwinder *unwinder);

/* The native frames of a record, at most VMP_MOST_NATIVE_FRAMES; `chain` is what
 * the thread's records before it said. Returns their number; 0: it has none. */
size_t
vmp_unwind(struct vmp_unwinder *unwinder, const struct vmp_record *record,
           struct vmp_chain *chain, struct vmp_unwound *frames,
           enum vmp_unwind_end *end);

/* Where the function that begins there ends; 0: unknown. */
uint64_t
vmp_unwinder_end(struct vmp_unwinder *unwinder, uint64_t function);

/* The native part of a record. */
const struct vmp_native *
vmp_record_native(const struct vmp_record *record);

#endif
