/* SPDX-License-Identifier: MIT */

/* From the records of one thread's ring to samples of the format. */
#ifndef VMP_DRAIN_H
#define VMP_DRAIN_H

#include "jit/tell.h"
#include "splice.h"
#include "thread.h"
#include "unwind.h"

/* What draining needs, and what it counts. The writer's alone. */
struct vmp_drain {
    struct vmp_encoder *encoder;
    uint64_t start_ns; /* of the session */
    struct vmp_telling traces;
    bool has_memory;               /* samples have it */
    struct vmp_unwinder *unwinder; /* NULL: there are no native frames */
    struct vmp_extent main_loop;   /* of the VM; end 0: not yet known */
    uint64_t locations_lost;       /* positions whose code is gone, and machine
                                      code at one address too many */
    uint64_t native_cut, native_failed;
    uint64_t stacks_cut; /* for which memory did not do */
};

/* Write out what is in a ring, and no more than it holds: a thread that is as
 * fast as the writer leaves the others their turn. */
void
vmp_drain(struct vmp_drain *drain, struct vmp_thread *thread);

#endif
