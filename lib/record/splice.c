/* SPDX-License-Identifier: MIT */

#include "splice.h"

#include <stdlib.h>

struct vmp_spliced *
vmp_spliced_new(size_t max_frames)
{
    const size_t placed = max_frames + 2; /* with the cut, and a trace */
    const size_t most = placed + VMP_MOST_NATIVE_FRAMES;
    struct vmp_spliced *const spliced = calloc(1, sizeof(*spliced));

    if (!spliced)
        return NULL;
    spliced->placed = malloc(placed * sizeof(*spliced->placed));
    spliced->last = malloc(most * sizeof(*spliced->last));
    spliced->now = malloc(most * sizeof(*spliced->now));
    spliced->chain.records =
        malloc((VMP_MOST_NATIVE_FRAMES + 1) * sizeof(*spliced->chain.records));
    if (spliced->placed && spliced->last && spliced->now &&
        spliced->chain.records)
        return spliced;
    vmp_spliced_free(spliced);
    return NULL;
}

void
vmp_spliced_free(struct vmp_spliced *spliced)
{
    if (!spliced)
        return;
    free(spliced->placed);
    free(spliced->last);
    free(spliced->now);
    free(spliced->chain.records);
    free(spliced);
}

size_t
vmp_leave_out_made_code(struct vmp_unwound *native, size_t native_count)
{
    size_t left = 0;

    for (size_t i = 0; i < native_count; i++)
        if (!native[i].is_of_no_file)
            native[left++] = native[i];
    return left;
}

static bool
is_in(const struct vmp_extent *extent, uint64_t pc)
{
    return pc >= extent->start && pc < extent->end;
}

void
vmp_place_in_main_loop(struct vmp_placed_frame *placed, size_t placed_count,
                       const struct vmp_unwound *native, size_t native_count,
                       uint64_t sp, const struct vmp_extent *main_loop)
{
    const uint64_t end = native_count ? native[native_count - 1].cfa : 0;
    size_t at = 0;

    for (size_t i = placed_count; i--;) {
        const uint64_t place = placed[i].place;

        if (place) {
            while (at < native_count && place >= sp && place < end &&
                   native[at].cfa <= place)
                at++;
            continue;
        }
        while (at < native_count && !is_in(main_loop, native[at].pc))
            at++;
        if (at == native_count)
            return;
        placed[i].place = native[at++].cfa - 1;
    }
}

size_t
vmp_splice(struct vmp_placed_frame *placed, size_t placed_count,
           const struct vmp_unwound *native, size_t native_count, uint64_t sp,
           uint32_t *to)
{
    const uint64_t end = native_count ? native[native_count - 1].cfa : 0;
    size_t left = native_count, count = 0;

    for (size_t i = 0; i < placed_count; i++) {
        const uint64_t place = placed[i].place;

        /* All native frames that it lies in or beneath. */
        while (left && place >= sp && place < end &&
               place < native[left - 1].cfa)
            to[count++] = native[--left].frame;
        placed[i].index = (uint32_t)count;
        to[count++] = placed[i].frame;
    }
    while (left)
        to[count++] = native[--left].frame;
    return count;
}
