/* SPDX-License-Identifier: MIT */

/* A thread's own table of descriptors. */
#ifndef VMP_DESCRIPTORS_H
#define VMP_DESCRIPTORS_H

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

#endif
