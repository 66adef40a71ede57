/* SPDX-License-Identifier: MIT */

#include "bar.h"

#include <stdio.h>
#include <time.h>

enum {
    PATIENCE_MS = 1000,
    AGAIN_MS = 100,
    WIDTH = 40,
};

static uint64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
draw(uint64_t percent)
{
    const int full = (int)(percent * WIDTH / 100);

    fputs("\rReading [", stderr);
    for (int i = 0; i < WIDTH; i++)
        putc(i < full ? '=' : ' ', stderr);
    fprintf(stderr, "] %3u %%", (unsigned)percent);
}

void
bar_step(struct bar *bar, uint64_t size, uint64_t whole_size)
{
    uint64_t now;

    if (!bar->enabled || !whole_size)
        return;
    now = now_ms();
    if (!bar->start_ms)
        bar->start_ms = now;
    if (now - bar->start_ms < PATIENCE_MS || now - bar->said_ms < AGAIN_MS)
        return;
    /* The file may have grown meanwhile. */
    draw(size < whole_size ? size * 100 / whole_size : 100);
    bar->said_ms = now;
    bar->shown = true;
}

void
bar_end(struct bar *bar)
{
    if (bar->shown)
        fputs("\r\033[K", stderr);
    bar->shown = false;
}
