/* SPDX-License-Identifier: MIT */

/* From the records of one thread's ring to samples of the format. */
#ifndef VMP_DRAIN_H
#define VMP_DRAIN_H

#include "thread.h"

/*
 * Write out what is in a ring. `start_ns` is the session's. Positions whose
 * code is gone are added to *locations_lost. The writer's alone.
 */
void
vmp_drain(struct vmp_encoder *encoder, struct vmp_thread *thread,
          uint64_t start_ns, uint64_t *locations_lost);

#endif
