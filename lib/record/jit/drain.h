/* SPDX-License-Identifier: MIT */

/* From the rings of events to chunks of the format. The writer's. */
#ifndef VMP_JIT_DRAIN_H
#define VMP_JIT_DRAIN_H

#include "../../format/events.h"
#include <sys/types.h>

#include "../flow.h"
#include "ring.h"

struct vmp_jit_drain {
    struct vmp_encoder *encoder;
    uint64_t start_ns; /* of the session */
    unsigned session;
    struct vmp_event block[VMP_EVENTS_MOST];
};

/* Say what time it is: the ring has been filled up to here by then. The thread
 * has used `cpu_ns`; 0: as much as `tid` has now. */
void
vmp_jit_mark(struct vmp_jit_drain *drain, struct vmp_jit *jit, pid_t tid,
             uint64_t cpu_ns);

/* Write the events up to the last mark, of a thread that the file has as number
 * `thread`. A ring that keeps the newest is written if it `is_last`. */
void
vmp_jit_drain(struct vmp_jit_drain *drain, struct vmp_jit *jit, uint32_t thread,
              bool is_last);

enum vmp_flow
vmp_jit_flow(const struct vmp_jit_drain *drain, const struct vmp_jit *jit);

#endif
