/* SPDX-License-Identifier: MIT */

/* How often threads have waited for anything but a CPU. */
#ifndef VMP_NAPS_H
#define VMP_NAPS_H

#include <stdint.h>
#include <sys/types.h>

enum {
    VMP_NAPS_FILES = 64,
};

/* Files that were asked before; all zero: none. They are in the table of
 * descriptors of the thread that asks, which has to be its own, and end with it. */
struct vmp_naps_files {
    struct {
        pid_t tid;
        int fd;
    } kept[VMP_NAPS_FILES];
};

/* A thread of this process, or a negative errno. */
int64_t
vmp_thread_naps(struct vmp_naps_files *files, pid_t tid);

/* All threads of this process but the calling one, which must have slept before;
 * or a negative errno, -ENOTSUP if the kernel does not count. */
int64_t
vmp_others_naps(void);

#endif
