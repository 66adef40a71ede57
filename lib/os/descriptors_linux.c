/* SPDX-License-Identifier: MIT */

/* Linux, where threads share a table only because they ask for it. */

#include "descriptors.h"

#include <errno.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#    define SYS_close_range 436 /* on every architecture */
#endif

enum {
    UNSHARE = 1 << 1, /* CLOSE_RANGE_UNSHARE */
};

int
vmp_descriptors_keep_only(int fd)
{
    const unsigned kept = (unsigned)fd;

    /* What is about to be closed here is not copied in the first place, so the
     * host's own close() stays the last one of it. */
    if (syscall(SYS_close_range, kept + 1, UINT_MAX, UNSHARE) < 0)
        return -errno;
    if (kept)
        syscall(SYS_close_range, 0, kept - 1, 0);
    return 0;
}

int
vmp_descriptors_keep_none(void)
{
    return syscall(SYS_close_range, 0, UINT_MAX, UNSHARE) < 0 ? -errno : 0;
}

bool
vmp_descriptors_are_shared(pid_t one, pid_t other)
{
    return one == other || syscall(SYS_kcmp, one, other, KCMP_FILES, 0, 0) <= 0;
}
