/* SPDX-License-Identifier: MIT */

/* Recorded events that the page marks on a time line: collections, what the JIT
 * compiled, exceptions, threads that came and went. */
#ifndef VIEW_MARKERS_H
#define VIEW_MARKERS_H

#include <stdio.h>

#include "../analyse/recorded.h"

/* As recorded_add(), but only of those that are marked, and of what tells which of
 * them are missing. */
int
markers_add(void *user, const struct profile *profile,
            const struct recorded_event *event);

/* Write the member "markers", or nothing if there are none. Returns 0 or
 * -ENOMEM. */
int
write_markers(const struct profile *profile, const struct recorded_list *list,
              FILE *out);

#endif
