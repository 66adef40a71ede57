/* SPDX-License-Identifier: MIT */

/* Structs that carry their own size: how a caller's copy becomes ours. */
#ifndef VMP_SIZED_H
#define VMP_SIZED_H

#include <stddef.h>

/* The size of a struct that ended with `member`: the least that is taken. */
#define VMP_SIZE_UP_TO(type, member)                                           \
    (offsetof(struct type, member) + sizeof(((struct type *)0)->member))

/*
 * Copy the caller's struct at `from`, whose first member is a uint64_t size,
 * into `to`, `known` bytes long. What an older caller does not have is zero;
 * what we do not know of a newer one must be zero.
 *
 * Returns 0, -EINVAL for a size below `least` or over 4096, or -E2BIG.
 */
int
vmp_sized_import(void *to, size_t known, size_t least, const void *from);

/*
 * Copy our struct at `from`, `known` bytes long, into the caller's at `to`, as
 * much of it as the caller has room for; the rest of the caller's is zeroed.
 *
 * Returns 0, or -EINVAL for a size below `least` or over 4096.
 */
int
vmp_sized_export(void *to, size_t known, size_t least, const void *from);

/* What that would return. */
int
vmp_sized_check(const void *to, size_t least);

#endif
