/* SPDX-License-Identifier: MIT */

/* The recorder on the test's own thread, and what the file then has. */
#ifndef VMP_TESTS_EVENT_RECORDER_H
#define VMP_TESTS_EVENT_RECORDER_H

#include <vmprof/vmprof.h>

#include "profiled.h"

#define BIT(name) VMPROF_EVENT_BIT(VMPROF_EVENT_##name)

static struct vmprof_thread *self;

static inline int
attach(void **state)
{
    (void)state;
    return vmprof_attach_thread(NULL, &self);
}

static inline int
detach(void **state)
{
    (void)state;
    vmprof_stop_event_recorder();
    vmprof_disable();
    return vmprof_detach_thread(self);
}

static inline void
start(uint64_t events, uint64_t period, uint64_t rate, uint64_t ring_size)
{
    struct vmprof_event_recorder_options options;

    vmprof_event_recorder_options_init(&options);
    options.events = events;
    options.period = period;
    options.rate = rate;
    options.ring_size = ring_size;
    options.allocation_period = 1;
    assert_int_equal(vmprof_start_event_recorder(&options), 0);
}

static inline int
enable(void)
{
    const int file = profile_file();
    const struct vmprof_options options = profile_options(file, 0.1);

    assert_int_equal(vmprof_enable_with(&options), 0);
    return file;
}

/* As a VM does, which asks first. */
static inline void
fire_on(struct vmprof_thread *thread, const struct vmprof_event *event)
{
    if (vmprof_wants_event(thread, VMPROF_EVENT_BIT(event->kind)))
        assert_int_equal(vmprof_fire_event(thread, event), 0);
}

static inline void
fire(enum vmprof_event_kind kind, unsigned count)
{
    const struct vmprof_event event = { .kind = kind, .line = 1 };

    for (unsigned i = 0; i < count; i++)
        fire_on(self, &event);
}

static inline struct vmprof_recorded_events
counts(uint64_t events)
{
    struct vmprof_recorded_events counts;

    vmprof_recorded_events_init(&counts);
    assert_int_equal(vmprof_count_recorded_events(events, &counts), 0);
    return counts;
}

static inline uint64_t
sum_of(const struct vmprof_recorded_events *counts)
{
    return counts->recorded + counts->left_out + counts->over_rate +
           counts->no_room;
}

/* The file's totals are the library's, and what it holds is what they say. */
static inline void
check_totals(const struct decoded *d)
{
    uint64_t there[64] = { 0 };

    for (size_t i = 0; i < d->recorded_count; i++)
        there[d->recorded[i].kind]++;
    for (unsigned kind = 0; kind < 64; kind++) {
        const uint64_t *const told = d->recorded_totals.counts[kind];
        struct vmprof_recorded_events of;

        assert_int_equal(told[0], there[kind]);
        if (!(VMPROF_EVENTS_ALL & VMPROF_EVENT_BIT(kind)))
            continue;
        of = counts(VMPROF_EVENT_BIT(kind));
        assert_int_equal(told[0], of.recorded);
        assert_int_equal(told[1], of.left_out);
        assert_int_equal(told[2], of.over_rate);
        assert_int_equal(told[3], of.no_room);
    }
}

static inline void
finish(int file, struct decoded *d)
{
    finish_profile(file, d);
    check_totals(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, attach, detach)

#endif
