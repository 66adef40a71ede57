/* SPDX-License-Identifier: MIT */

#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum {
    PATIENCE_MS = 1000,
    AGAIN_MS = 200,
    /* Reading the clock each time would cost more than most look-ups. */
    STEPS = 64,
};

static uint64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
progress_step(struct progress *progress)
{
    uint64_t now;

    if (!progress->enabled || progress->count++ % STEPS)
        return;
    now = now_ms();
    if (!progress->start_ms)
        progress->start_ms = now;
    if (now - progress->start_ms < PATIENCE_MS ||
        now - progress->said_ms < AGAIN_MS)
        return;
    fprintf(stderr, "\rLooking up names: %" PRIu64 " addresses",
            progress->count);
    progress->said_ms = now;
    progress->shown = true;
}

void
progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
