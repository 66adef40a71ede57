/* SPDX-License-Identifier: MIT */

/* What the kernel tells of a thread of this process. */
#ifndef VMP_STATUS_H
#define VMP_STATUS_H

#include <stdint.h>
#include <sys/types.h>

/* Returns a descriptor or a negative errno. It stays the thread's, whoever has its
 * number later, and cannot be read once that has ended. */
int
vmp_status_open(pid_t tid);

/* A number, which stands behind `key` ("\nName:") in `base`. Returns 0 or a
 * negative errno, -ENOTSUP if this kernel has none. */
int
vmp_status_read(int fd, const char *key, int base, uint64_t *out);

#endif
