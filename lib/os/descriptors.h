/* SPDX-License-Identifier: MIT */

/* A thread's own table of descriptors. */
#ifndef VMP_DESCRIPTORS_H
#define VMP_DESCRIPTORS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Give the calling thread a table of its own that holds `fd` alone: what other
 * threads close and open is no longer seen here, and the other way round.
 * Returns 0 or a negative errno, and nothing is changed.
 */
int
vmp_descriptors_keep_only(int fd);

/* The same, and it is empty. */
int
vmp_descriptors_keep_none(void);

/* Whether two threads of this process have one table; true also if the kernel does
 * not tell. */
bool
vmp_descriptors_are_shared(pid_t one, pid_t other);

#endif
