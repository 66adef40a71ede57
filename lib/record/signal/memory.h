/* SPDX-License-Identifier: MIT */

/* The resident memory of the process. Signal context. */
#ifndef VMP_MEMORY_H
#define VMP_MEMORY_H

#include <stdint.h>

/* In pages, as /proc/self/statm has them, of which `fd` is; 0: that cannot be
 * read, or the host has given the number to another file. */
uint64_t
vmp_resident_pages(int fd);

#endif
