/* SPDX-License-Identifier: MIT */

/* Native frames as far as the handler takes them. Signal context. */
#ifndef VMP_CAPTURE_H
#define VMP_CAPTURE_H

#include "../native.h"
#include "sample.h"

/* What is to be taken of one C stack. */
struct vmp_capture {
    struct vmp_registers registers;
    uintptr_t from;  /* the first byte of the stack */
    size_t size;     /* of the copy, at most */
    size_t doubtful; /* bytes of it, the first, that may not be readable */
    bool is_chain;   /* its frame pointers, not a copy */
    bool is_own;     /* it is the thread's own stack: all of it is readable */
    bool is_cut;
    size_t room; /* that its part of a record takes at most; 0: none */
};

/* Lay out what to take of the thread's context; nothing if there is none, or if
 * native frames are off. */
void
vmp_capture_open(struct vmp_capture *capture, const struct vmp_thread *thread);

/* See that the ring has room for it behind a record with so many bytes of
 * frames; if not it is left out, and counted. */
void
vmp_capture_reserve(struct vmp_capture *capture, struct vmp_thread *thread,
                    size_t frames_size);

/* Take it, behind all that is in the record, which then has to be committed. */
void
vmp_capture_take(const struct vmp_capture *capture, struct vmp_thread *thread,
                 struct vmp_record *record);

/* Where the frames of a window from `keep` on stand on the C stack. */
void
vmp_capture_places(const struct vmp_capture *capture,
                   const struct vmp_thread *thread,
                   const struct vmp_window *window, uint64_t *to);

#endif
