/* SPDX-License-Identifier: MIT */

/* Transitions between traces in the order that they are shown in. */
#include "segments.h"

#include <stdlib.h>
#include <string.h>

static int
compare(const void *a, const void *b)
{
    const struct transition *left = a, *right = b;

    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    if (left->from != right->from)
        return left->from < right->from ? -1 : 1;
    return (left->to > right->to) - (left->to < right->to);
}

struct transition *
transitions_sorted(const struct segments *segments)
{
    const uint32_t count = segments->transition_count;
    struct transition *sorted = calloc(count, sizeof(*sorted));

    if (!sorted)
        return NULL;
    memcpy(sorted, segments->transitions, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare);
    return sorted;
}
