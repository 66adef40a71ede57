/* SPDX-License-Identifier: MIT */

/*
 * Programs whose shares are easy to get wrong. Each body runs until its thread
 * has used its part of the plan's CPU time.
 */

#include "accuracy.h"

#include <errno.h>
#include <string.h>

enum {
    US = 1000,
};

static uint64_t
draw(struct worker *worker, uint64_t from, uint64_t to)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return from + (worker->random >> 11) % (to - from + 1);
}

static bool
is_due(const struct worker *worker)
{
    const double used_ns = (double)(worker->since_ns - worker->begun_ns);

    return used_ns * worker->plan->threads >= worker->plan->seconds * 1e9;
}

static void
sleep_until(uint64_t ns)
{
    const struct timespec until = { .tv_sec = (time_t)(ns / 1000000000),
                                    .tv_nsec = (long)(ns % 1000000000) };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
           EINTR)
        continue;
}

static void
nap(struct worker *worker, uint64_t ns)
{
    const vmprof_token token = begin_native(worker, FUNCTION_RUN);

    sleep_until(read_clock_ns(CLOCK_MONOTONIC) + ns);
    end_native(worker, token);
}

/* Turns of irregular length, 30 and 70 % on average. */
static void
steady(struct worker *worker)
{
    while (!is_due(worker)) {
        burn(worker, FUNCTION_A, draw(worker, 500 * US, 5500 * US));
        burn(worker, FUNCTION_B, draw(worker, 2000 * US, 12000 * US));
    }
}

/* On and off: it sleeps between turns, and at times for long. */
static void
bursty(struct worker *worker)
{
    while (!is_due(worker)) {
        burn(worker, FUNCTION_A, draw(worker, 200 * US, 2000 * US));
        nap(worker, draw(worker, 0, 1500 * US));
        burn(worker, FUNCTION_B, draw(worker, 500 * US, 5000 * US));
        nap(worker,
            draw(worker, 0, draw(worker, 0, 9) ? 1500 * US : 15000 * US));
    }
}

/* It waits for long, and works briefly: in A often, in B longer. */
static void
serving(struct worker *worker)
{
    while (!is_due(worker)) {
        nap(worker, draw(worker, 1000 * US, 40000 * US));
        if (draw(worker, 0, 1))
            burn(worker, FUNCTION_A, draw(worker, 100 * US, 900 * US));
        else
            burn(worker, FUNCTION_B, draw(worker, 500 * US, 3000 * US));
    }
}

/* One turn of both is one interval of the profiler, for ever in phase. */
static void
lockstep(struct worker *worker)
{
    const uint64_t period_ns = worker->plan->interval_ns;
    uint64_t end_ns = worker->begun_ns;

    while (!is_due(worker)) {
        burn(worker, FUNCTION_A, period_ns * 3 / 10);
        end_ns += period_ns;
        if (end_ns > worker->since_ns)
            burn(worker, FUNCTION_B, end_ns - worker->since_ns);
    }
}

/* A runs between two ticks of the kernel, never when one comes. */
static void
evading(struct worker *worker)
{
    struct timespec resolution;
    uint64_t tick_ns;

    clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
    tick_ns = (uint64_t)resolution.tv_nsec;
    while (!is_due(worker)) {
        const uint64_t now_ns = read_clock_ns(CLOCK_MONOTONIC);

        sleep_until((now_ns / tick_ns + 1) * tick_ns + tick_ns / 8);
        burn(worker, FUNCTION_A, tick_ns / 2);
        burn(worker, FUNCTION_B, draw(worker, 0, 3) ? 100 * US : 4 * tick_ns);
    }
}

/* A is a function of the VM's, which calls the kernel all the time and does not
 * poll; B computes. */
static void
syscalls(struct worker *worker)
{
    while (!is_due(worker)) {
        call_kernel(worker, FUNCTION_A, draw(worker, 500 * US, 5500 * US));
        burn(worker, FUNCTION_B, draw(worker, 2000 * US, 12000 * US));
    }
}

/* A life of a fifth of an interval; main.c starts as many as the plan needs. */
static void
brief(struct worker *worker)
{
    const uint64_t life_ns = worker->plan->interval_ns / 5;

    burn(worker, FUNCTION_A, life_ns * 3 / 10);
    burn(worker, FUNCTION_B, life_ns * 7 / 10);
}

mix *
find_mix(const char *name)
{
    static const struct {
        const char *name;
        mix *body;
    } mixes[] = {
        { "steady", steady },   { "bursty", bursty },
        { "serving", serving }, { "lockstep", lockstep },
        { "evading", evading }, { "syscalls", syscalls },
        { "brief", brief },
    };

    for (size_t i = 0; i < sizeof(mixes) / sizeof(*mixes); i++)
        if (strcmp(mixes[i].name, name) == 0)
            return mixes[i].body;
    return NULL;
}
