/* SPDX-License-Identifier: MIT */

/*
 * What frames are told apart by: their function, or their line. A label is a
 * number from 0; behind those of frames come the ones for time without any.
 */
#ifndef ANALYSE_LABELS_H
#define ANALYSE_LABELS_H

#include "../read/profile.h"
#include "extra.h"

struct labels {
    uint32_t *of_frame; /* by frame: its label */
    uint32_t *frame;    /* by label: one of its frames */
    uint32_t count;     /* of labels of frames */
};

/* Both return 0 or -ENOMEM. */
int
labels_by_function(struct labels *labels, const struct profile *profile);
int
labels_by_line(struct labels *labels, const struct profile *profile);

void
labels_free(struct labels *labels);

/* The number of a label of no frame. */
static inline uint32_t
labels_extra(const struct labels *labels, enum extra extra)
{
    return labels->count + extra;
}

/* NULL for the label of a frame, else what to show: "[native]" and so on. */
const char *
labels_extra_name(const struct labels *labels, uint32_t label);

#endif
