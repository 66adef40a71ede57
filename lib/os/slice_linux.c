/* SPDX-License-Identifier: MIT */

/*
 * Linux 6.12 and later: each thread asks for a slice of its own, and one that asks
 * for a shorter one and wakes up takes the CPU from who runs (PREEMPT_SHORT). No
 * privilege is needed, and no thread has more of the CPU for it.
 */

#include "slice.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SLICE_NS = 100 * 1000, /* the shortest there is */
};

/* struct sched_attr of the kernel's, in its first version. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

int
vmp_slice_shorten(void)
{
    struct attributes attributes = { .size = sizeof(attributes) };

    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) < 0)
        return -errno;
    if (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH)
        return -ENOTSUP;
    attributes.runtime_ns = SLICE_NS;
    return syscall(SYS_sched_setattr, 0, &attributes, 0) < 0 ? -errno : 0;
}
