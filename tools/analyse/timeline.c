/* SPDX-License-Identifier: MIT */

#include "timeline.h"

#include <string.h>
#include <vmprof/sampler.h>

enum {
    FIRST_WIDTH_NS = 10000,
};

/* Two bins become one. */
static void
widen(struct timeline *timeline)
{
    for (uint32_t i = 0; i < TIMELINE_BINS / 2; i++)
        for (uint32_t phase = 0; phase < PHASE_COUNT; phase++)
            timeline->bins[i][phase] =
                timeline->bins[2 * i][phase] + timeline->bins[2 * i + 1][phase];
    memset(timeline->bins[TIMELINE_BINS / 2], 0, sizeof(timeline->bins) / 2);
    timeline->width_ns *= 2;
    timeline->count = (timeline->count + 1) / 2;
}

/* What of a bin lies between two moments, which lie in it in part. */
static uint64_t
part_of(const struct timeline *timeline, uint64_t bin, uint64_t from_ns,
        uint64_t to_ns)
{
    const uint64_t begin = bin * timeline->width_ns;
    const uint64_t first = from_ns > begin ? from_ns : begin;
    const uint64_t room = begin + timeline->width_ns - first;

    return to_ns - first < room ? to_ns - first : room;
}

void
timeline_add(struct timeline *timeline, uint32_t phase, uint64_t from_ns,
             uint64_t to_ns, uint64_t time_ns)
{
    uint64_t bin;

    if (phase >= PHASE_COUNT || to_ns < from_ns || to_ns > INT64_MAX)
        return;
    if (!timeline->width_ns)
        timeline->width_ns = FIRST_WIDTH_NS;
    while (to_ns / timeline->width_ns >= TIMELINE_BINS)
        widen(timeline);
    bin = from_ns / timeline->width_ns;
    if (to_ns == from_ns)
        timeline->bins[bin++][phase] += (double)time_ns;
    for (; bin * timeline->width_ns < to_ns; bin++)
        timeline->bins[bin][phase] +=
            (double)time_ns * (double)part_of(timeline, bin, from_ns, to_ns) /
            (double)(to_ns - from_ns);
    if (timeline->count < bin)
        timeline->count = (uint32_t)bin;
}

bool
timeline_compiled_from(const struct timeline *timeline, double share,
                       uint64_t *from_ns)
{
    double all = 0, compiled = 0;
    bool found = false;

    for (uint32_t i = timeline->count; i-- > 0;) {
        double in_bin = 0;

        for (uint32_t phase = 0; phase < PHASE_COUNT; phase++)
            in_bin += timeline->bins[i][phase];
        all += in_bin;
        compiled += timeline->bins[i][VMPROF_PHASE_COMPILED];
        if (in_bin > 0 && compiled >= share * all &&
            timeline->bins[i][VMPROF_PHASE_COMPILED] >= share * in_bin) {
            *from_ns = i * timeline->width_ns;
            found = true;
        }
    }
    return found;
}
