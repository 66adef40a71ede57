/* SPDX-License-Identifier: MIT */

/*
 * What it takes to record an event, beside a bare reading of the clock that it is
 * dated with; what one costs that 1-in-n leaves out; and one above the rate. Rounds
 * are interleaved and so far apart that the writer keeps up; medians are shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <vmprof/vmprof.h>

#include "rounds.h"
#include "row.h"

enum {
    ROUNDS = 301,
    COUNT = 1000, /* events in a round */
};

static struct vmprof_thread *thread;
static vmprof_code_id code;

static void
die(const char *what)
{
    fprintf(stderr, "recorder: %s\n", what);
    exit(1);
}

static double
fire_events(void)
{
    const double start = cpu_ns();

    for (unsigned i = 0; i < COUNT; i++) {
        const struct vmprof_event event = {
            .kind = VMPROF_EVENT_LINE,
            .line = i,
            .code = code,
            .offset = i,
        };

        (void)vmprof_fire_event(thread, &event);
    }
    return (cpu_ns() - start) / COUNT;
}

static double
read_clock(void)
{
    const double start = cpu_ns();
    struct timespec now;

    for (unsigned i = 0; i < COUNT; i++)
        clock_gettime(CLOCK_MONOTONIC, &now);
    return (cpu_ns() - start) / COUNT;
}

static void
start(uint64_t period, uint64_t rate)
{
    struct vmprof_event_recorder_options options;

    vmprof_event_recorder_options_init(&options);
    options.events = VMPROF_EVENT_BIT(VMPROF_EVENT_LINE);
    options.period = period;
    options.rate = rate;
    if (vmprof_start_event_recorder(&options) < 0)
        die("it cannot be started");
}

static void
show(const char *what, uint64_t period, uint64_t rate)
{
    static double events[ROUNDS], clocks[ROUNDS], ratios[ROUNDS];
    const struct timespec moment = { .tv_nsec = 2000000 };
    char text[64], spread[64];

    start(period, rate);
    for (unsigned i = 0; i < ROUNDS; i++) {
        events[i] = fire_events();
        clocks[i] = read_clock();
        ratios[i] = events[i] / clocks[i];
        nanosleep(&moment, NULL);
    }
    vmprof_stop_event_recorder();
    snprintf(text, sizeof(text), "%.1f ns", median(events, ROUNDS));
    snprintf(spread, sizeof(spread), "%.2f of a clock's %.1f ns",
             median(ratios, ROUNDS), median(clocks, ROUNDS));
    printf("  %-40s %s  (%s)\n", what, text, spread);
    bench_row(what, text, spread, "", "reading the clock", -1);
}

static void
check(void)
{
    struct vmprof_recorded_events counts;

    vmprof_recorded_events_init(&counts);
    if (vmprof_count_recorded_events(VMPROF_EVENTS_ALL, &counts) < 0 ||
        counts.no_room || !counts.recorded)
        die("events had no room: these figures are of other things");
}

int
main(void)
{
    const int file = memfd_create("profile", MFD_CLOEXEC);
    struct vmprof_code_class *plain;

    if (file < 0 || vmprof_attach_thread(NULL, &thread) < 0 ||
        vmprof_register_code_class("t", NULL, &plain) < 0 ||
        vmprof_register_code(plain, &code, "t:f:1:f", &code) < 0 ||
        vmprof_enable(file, 0.1) < 0)
        die("profiling cannot be enabled");
    puts("An event that is recorded:");
    show("recorded", 1, 0);
    show("left out, 1 in 1,000,000", 1000000, 0);
    show("above the rate", 1, 1);
    check();
    return vmprof_disable() < 0;
}
