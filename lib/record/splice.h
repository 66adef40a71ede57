/* SPDX-License-Identifier: MIT */

/*
 * VM frames and native frames in one stack. A VM frame keeps the stack pointer
 * of the C function that entered it, so it belongs right inside that one. The
 * writer's alone.
 */
#ifndef VMP_SPLICE_H
#define VMP_SPLICE_H

#include "unwind.h"

/* A VM frame, by its index in the file. */
struct vmp_placed_frame {
    uint64_t place; /* a stack pointer; 0: unknown */
    uint32_t frame;
    uint32_t index; /* in the merged stack, once it is merged */
};

/* The last sample of a thread, as the writer has it. */
struct vmp_spliced {
    struct vmp_placed_frame *placed; /* its VM frames */
    uint32_t placed_count;
    uint32_t *last; /* the frame of each node of the thread's path */
    uint32_t *now;  /* and those of the next one */
    struct vmp_unwound native[VMP_MOST_NATIVE_FRAMES];
    struct vmp_chain chain; /* that it said, or one before it */
};

/* Room for as many VM frames as that, and a trace. Returns NULL if memory is short. */
struct vmp_spliced *
vmp_spliced_new(size_t max_frames);
void
vmp_spliced_free(struct vmp_spliced *spliced);

/* Where the machine code of a function is; both 0: there is none. */
struct vmp_extent {
    uint64_t start, end;
};

/* Native frames of machine code that somebody made are left out: VM frames stand
 * for them. Returns how many are left. */
size_t
vmp_leave_out_made_code(struct vmp_unwound *native, size_t native_count);

/* Put frames whose place is not known into the calls of the VM's main loop, the
 * innermost into the innermost; as far as there are such calls. */
void
vmp_place_in_main_loop(struct vmp_placed_frame *placed, size_t placed_count,
                       const struct vmp_unwound *native, size_t native_count,
                       uint64_t sp, const struct vmp_extent *main_loop);

/*
 * Merge into `to`, outermost first, room for all: VM frames come outermost
 * first, native ones innermost first and from the stack pointer `sp` on. Each
 * kind keeps its order. A VM frame whose place is on another C stack, or beyond
 * what was unwound, follows the VM frame before it, or comes first of all.
 * Returns how many there are.
 */
size_t
vmp_splice(struct vmp_placed_frame *placed, size_t placed_count,
           const struct vmp_unwound *native, size_t native_count, uint64_t sp,
           uint32_t *to);

#endif
