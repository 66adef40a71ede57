/* SPDX-License-Identifier: MIT */

/*
 * What waking up costs before anything is looked at: a thread that sleeps for an
 * interval again and again. Nobody who observes from a thread can cost less.
 */

#include "variants.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static pthread_t sleeper;
static atomic_bool stopping;
static uint64_t interval;

static void *
sleep_on(void *user)
{
    struct timespec until;

    /* By this name the profiler's threads are known. */
    pthread_setname_np(pthread_self(), "vmprof-sleeper");
    clock_gettime(CLOCK_MONOTONIC, &until);
    while (!atomic_load(&stopping)) {
        const uint64_t ns = (uint64_t)until.tv_nsec + interval;

        until.tv_sec += (time_t)(ns / 1000000000);
        until.tv_nsec = (long)(ns % 1000000000);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    return user;
}

static int
start(uint64_t interval_ns)
{
    interval = interval_ns;
    atomic_store(&stopping, false);
    return -pthread_create(&sleeper, NULL, sleep_on, NULL);
}

static uint64_t
stop(void)
{
    atomic_store(&stopping, true);
    pthread_join(sleeper, NULL);
    return 0;
}

const struct variant variant_sleeper = { "sleeper", start, stop };
