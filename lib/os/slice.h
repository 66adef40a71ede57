/* SPDX-License-Identifier: MIT */

/* How soon a thread that wakes up has a CPU where others are at work. */
#ifndef VMP_SLICE_H
#define VMP_SLICE_H

/* The calling thread works for moments at a time: it need not wait until the slice
 * of another is over. Returns 0 or a negative errno, -ENOTSUP if it is not
 * scheduled as most are; a kernel that knows no such thing changes nothing. */
int
vmp_slice_shorten(void);

#endif
