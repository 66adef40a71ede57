/* SPDX-License-Identifier: MIT */

#include "labels.h"

#include <errno.h>
#include <stdlib.h>

#include "intern.h"

static int
label_frame(struct labels *labels, struct vmp_intern *set, uint32_t frame,
            uint64_t a, uint64_t b)
{
    bool is_new;
    const int64_t label = vmp_intern(set, a, b, &is_new);

    if (label < 0)
        return -ENOMEM;
    labels->of_frame[frame] = (uint32_t)label;
    if (is_new)
        labels->frame[labels->count++] = frame;
    return 0;
}

static int
make_labels(struct labels *labels, const struct profile *profile, bool lines)
{
    struct vmp_intern set = { 0 }, places = { 0 };
    bool is_new;
    int result = 0;

    *labels = (struct labels){ 0 };
    labels->of_frame = calloc(profile->frame_count, sizeof(uint32_t));
    labels->frame = calloc(profile->frame_count, sizeof(uint32_t));
    if (!labels->of_frame || !labels->frame)
        result = -ENOMEM;
    for (uint32_t i = 0; i < profile->frame_count && !result; i++) {
        const struct frame *frame = &profile->frames[i];
        const int64_t place = lines
                                  ? vmp_intern(&places, frame->line,
                                               (uintptr_t)frame->file, &is_new)
                                  : 0;

        result = place < 0 ? -ENOMEM
                           : label_frame(labels, &set, i, frame->code,
                                         (uint64_t)place);
    }
    vmp_intern_free(&set);
    vmp_intern_free(&places);
    if (result)
        labels_free(labels);
    return result;
}

int
labels_by_function(struct labels *labels, const struct profile *profile)
{
    return make_labels(labels, profile, false);
}

int
labels_by_line(struct labels *labels, const struct profile *profile)
{
    return make_labels(labels, profile, true);
}

void
labels_free(struct labels *labels)
{
    free(labels->of_frame);
    free(labels->frame);
    *labels = (struct labels){ 0 };
}

const char *
labels_extra_name(const struct labels *labels, uint32_t label)
{
    return label < labels->count ? NULL : extra_name(label - labels->count);
}
