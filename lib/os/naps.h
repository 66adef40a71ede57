/* SPDX-License-Identifier: MIT */

/* How often threads have waited for anything but a CPU. */
#ifndef VMP_NAPS_H
#define VMP_NAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "status.h"

/* A thread of this process, or a negative errno; and whether it naps right now, if
 * that is known. */
int64_t
vmp_thread_naps(struct vmp_status_files *files, pid_t tid, bool *naps_now);

/* All threads of this process but the calling one, which must have slept before;
 * or a negative errno, -ENOTSUP if the kernel does not count. */
int64_t
vmp_others_naps(void);

#endif
