/* SPDX-License-Identifier: MIT */

/* For machines that the library emits no code for. */

#include "ring.h"

void
vmp_jit_full(struct vmprof_jit_ring *ring)
{
    (void)vmp_jit_make_room(ring);
}
