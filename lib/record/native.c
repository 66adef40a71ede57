/* SPDX-License-Identifier: MIT */

/* Which native frames there can be, and what room they take. */

#include "native.h"

#include <errno.h>

#include "ring.h"
#include "step.h"

enum {
    LEAST_BYTES = 1 << 10,
    DEFAULT_BYTES = 16 << 10,
    MOST_BYTES = 64 << 10,
    COPIES_KEPT = 256, /* three rounds of the writer at 1 kHz */
};

int
vmp_native_check(struct vmprof_options *options)
{
    if (!options->native_bytes)
        options->native_bytes = DEFAULT_BYTES;
    if (options->native > VMPROF_NATIVE_FRAME_POINTERS ||
        options->native_bytes < LEAST_BYTES ||
        options->native_bytes > MOST_BYTES)
        return -EINVAL;
    if (options->native == VMPROF_NATIVE_OFF)
        return 0;
    /* Nobody sees another thread's registers. */
    if (options->mode == VMPROF_MODE_WALL ||
        options->clock == VMPROF_CLOCK_OBSERVER)
        return -EINVAL;
    if (!vmp_machine.is_known ||
        (options->native == VMPROF_NATIVE_COPY && !vmp_step_load()))
        return -ENOTSUP;
    options->native_bytes = options->native_bytes / 8 * 8;
    return 0;
}

uint64_t
vmp_native_most(const struct vmprof_options *options)
{
    if (options->native == VMPROF_NATIVE_COPY)
        return sizeof(struct vmp_native_copy) + options->native_bytes;
    if (options->native == VMPROF_NATIVE_FRAME_POINTERS)
        return sizeof(struct vmp_native_chain) +
               VMP_MOST_NATIVE_FRAMES * sizeof(struct vmp_frame_record);
    return 0;
}

uint64_t
vmp_native_ring(const struct vmprof_options *options, uint64_t usual)
{
    while (options->native == VMPROF_NATIVE_COPY &&
           usual < (uint64_t)COPIES_KEPT * options->native_bytes)
        usual *= 2;
    return usual;
}
