/* SPDX-License-Identifier: MIT */

#include "poll_time.h"

#include <stdbool.h>

enum {
    LEAST_STRETCH_NS = 50 * 1000,         /* of which a look is a thousandth */
    MOST_STRETCH_NS = 1000 * 1000 * 1000, /* the thread may have been stopped */
    SLACK_NS = 2000,                      /* an interrupt between the two */
    SHARE = 256, /* of a stretch, by which they may differ */
    MOST_DIFFERENCES = 8,
};

static uint64_t
distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The counter of another processor may be another, and one may be set. */
static bool
go_together(const struct vmp_poll_time *time, uint64_t ticks, uint64_t ns)
{
    const uint64_t stretch_ns = ns - time->ns;
    const double told_ns = (double)(ticks - time->ticks) * time->ns_per_tick;

    return ticks > time->ticks && told_ns < (double)MOST_STRETCH_NS &&
           distance((uint64_t)told_ns, stretch_ns) <
               SLACK_NS + stretch_ns / SHARE;
}

/* From one stretch to the next, as a reading may have been interrupted. */
static void
measure(struct vmp_poll_time *time, uint64_t ticks, uint64_t ns)
{
    const double measured =
        (double)(ns - time->ns) / (double)(ticks - time->ticks);

    if (time->ns_per_tick > 0)
        time->ns_per_tick += (measured - time->ns_per_tick) / 4;
    else if (time->differences < MOST_DIFFERENCES)
        time->ns_per_tick = measured;
}

uint64_t
vmp_poll_time_set(struct vmp_poll_time *time)
{
    const uint64_t ns = vmp_now_ns(CLOCK_MONOTONIC), ticks = vmprof_jit_ticks(),
                   stretch_ns = ns - time->ns;

    if (stretch_ns >= MOST_STRETCH_NS) {
        time->ns_per_tick = 0; /* or never read */
    } else if (time->ns_per_tick > 0 && !go_together(time, ticks, ns)) {
        time->ns_per_tick = 0;
        time->differences++;
    } else if (stretch_ns >= LEAST_STRETCH_NS && ticks > time->ticks) {
        measure(time, ticks, ns);
    }
    time->ns = ns;
    time->ticks = ticks;
    return ns;
}
