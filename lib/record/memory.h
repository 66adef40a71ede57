/* SPDX-License-Identifier: MIT */

/* The descriptor that a session reads the resident memory from. */
#ifndef VMP_RECORD_MEMORY_H
#define VMP_RECORD_MEMORY_H

#include <stdint.h>

/* Returns 0, or -ENOTSUP: there is no /proc here. Under vmp_threads_lock(). */
int
vmp_memory_open(void);
void
vmp_memory_close(void);

/* What is resident now, in KiB; 0: unknown. */
uint64_t
vmp_memory_kb(void);

/* Open it again if the host has closed it. On a thread with the host's table of
 * descriptors. */
void
vmp_memory_check(void);

#endif
