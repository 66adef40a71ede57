/* SPDX-License-Identifier: MIT */

/* The list of libunwind for code that has no file, if that library is in the
 * process: dynamic_libunwind.c, or dynamic_none.c where we are built without its
 * headers. */
#ifndef VMP_SINK_DYNAMIC_H
#define VMP_SINK_DYNAMIC_H

#include "sink.h"

struct vmp_dynamic;

void
vmp_dynamic_find(void);

/* Returns 0, with `*entry` NULL where there is nothing to tell or nobody, or
 * -ENOMEM. */
int
vmp_dynamic_add(struct vmp_dynamic **entry, const struct vmp_sunk *sunk);

/* NULL is allowed. */
void
vmp_dynamic_remove(struct vmp_dynamic *entry);

#endif
