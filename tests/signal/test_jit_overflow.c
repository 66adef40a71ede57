/* SPDX-License-Identifier: MIT */

/* Events that have no room, and sessions that end while events come. */

#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "jit_events.h"

/* Whether the events from `from` on are the last that jump_often() recorded. */
static bool
are_in_order(const struct decoded *d, unsigned count)
{
    const unsigned first = count - (unsigned)d->event_count;

    for (size_t i = 0; i < d->event_count; i++)
        if (d->events[i].id != 1 + (first + i) % 1000 ||
            d->events[i].number != i)
            return false;
    return true;
}

static void
drop(void)
{
    struct vmprof_options options = event_options(-1);
    uint64_t lost = 0, last = 0;
    struct decoded d;
    int file;

    options.jit_ring_size = SMALL_RING;
    file = begin(&options);
    jump_often(200000);
    finish(file, &d);
    require(d.event_count >= SMALL_RING);
    require(d.event_count + profile_stats().jit_events_lost == 200000);
    for (size_t i = 0; i < d.event_count; i++) {
        require(d.events[i].number == i && d.events[i].bits == 0);
        require(d.events[i].lost >= lost);
        lost = d.events[i].lost;
        last = d.events[i].id;
    }
    require(lost <= profile_stats().jit_events_lost && last <= 1000);
}

static void
what_has_no_room_is_counted(void **state)
{
    (void)state;
    assert_int_equal(isolate(drop, 60), 0);
}

static void
keep_newest(void)
{
    static const unsigned counts[] = { 10, SMALL_RING - 1, SMALL_RING, 5000,
                                       200000 };
    struct vmprof_options options = event_options(-1);
    struct decoded d;

    options.jit_ring_size = SMALL_RING;
    options.jit_overflow = VMPROF_JIT_OVERFLOW_NEWEST;
    for (size_t i = 0; i < LENGTH(counts); i++) {
        const unsigned kept =
            counts[i] < SMALL_RING ? counts[i] : SMALL_RING - 1;
        const int file = begin(&options);

        jump_often(counts[i]);
        finish(file, &d);
        require(d.event_count == kept);
        require(profile_stats().jit_events_lost == counts[i] - kept);
        require(are_in_order(&d, counts[i]));
        require(d.events[0].bits == NEWEST_BIT);
        require(d.events[0].lost == counts[i] - kept);
        decoded_free(&d);
    }
}

static void
a_flight_recorder_has_the_newest(void **state)
{
    (void)state;
    assert_int_equal(isolate(keep_newest, 60), 0);
}

static void
wait_for_room(void)
{
    struct vmprof_options options = event_options(-1);
    const unsigned count = 40 * SMALL_RING;
    struct decoded d;
    int file;

    options.jit_ring_size = SMALL_RING;
    options.jit_overflow = VMPROF_JIT_OVERFLOW_BLOCK;
    file = begin(&options);
    errno = EXDEV;
    jump_often(count);
    require(errno == EXDEV);
    finish(file, &d);
    require(d.event_count == count && are_in_order(&d, count));
    require(d.events[0].bits == BLOCK_BIT && d.events[0].lost == 0);
}

static void
a_thread_that_waits_loses_nothing(void **state)
{
    (void)state;
    assert_int_equal(isolate(wait_for_room, 60), 0);
}

/* A pipe that nobody reads and that is full. */
static void
begin_into_full_pipe(void)
{
    struct vmprof_options options = event_options(-1);
    char page[4096] = { 0 };
    int ends[2];

    require(pipe(ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    while (write(ends[1], page, sizeof(page)) > 0)
        continue;
    require(fcntl(ends[1], F_SETFL, 0) == 0);
    options.fd = ends[1];
    options.jit_ring_size = SMALL_RING;
    options.jit_overflow = VMPROF_JIT_OVERFLOW_BLOCK;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable_with(&options) == 0);
}

static void
outwait_a_writer(void)
{
    begin_into_full_pipe();
    jump_often(3 * SMALL_RING);
    require(profile_stats().jit_events_lost >= SMALL_RING);
    require(vmprof_disable() == -EIO);
}

static void
a_writer_that_is_stuck_is_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(isolate(outwait_a_writer, 60), 0);
}

static atomic_bool is_done, is_started;

static void *
jump_until_done(void *unused)
{
    (void)unused;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (unsigned i = 0; !atomic_load(&is_done); i++) {
        vmprof_jit_jump_inner(thread, 1 + i % 1000,
                              VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT);
        atomic_store(&is_started, true);
    }
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
start_jumping(pthread_t *jumper)
{
    atomic_store(&is_done, false);
    atomic_store(&is_started, false);
    require(pthread_create(jumper, NULL, jump_until_done, NULL) == 0);
    require(wait_until(atomic_load(&is_started), 20000));
}

static void
stop_jumping(pthread_t jumper)
{
    atomic_store(&is_done, true);
    require(pthread_join(jumper, NULL) == 0);
}

/* Whatever the policy, and also between two sessions of different rings. */
static void
end_under_way(void)
{
    struct vmprof_options options = event_options(-1);
    struct decoded d;
    pthread_t jumper;

    start_jumping(&jumper);
    for (unsigned i = 0; i < rounds(40); i++) {
        options.fd = profile_file();
        options.jit_overflow = i % 3;
        options.jit_inner = VMPROF_JIT_INNER_EACH;
        options.jit_ring_size = (uint32_t)SMALL_RING << i % 5;
        require(vmprof_enable_with(&options) == 0);
        usleep(1000);
        finish(options.fd, &d);
        for (size_t j = 1; j < d.event_count; j++)
            require(d.events[j].number == j);
        decoded_free(&d);
    }
    stop_jumping(jumper);
}

static void
sessions_end_while_events_come(void **state)
{
    (void)state;
    assert_int_equal(isolate(end_under_way, 100), 0);
}

static void
let_go(void)
{
    pthread_t jumper;

    begin_into_full_pipe();
    start_jumping(&jumper);
    require(vmprof_disable() == -EIO);
    stop_jumping(jumper);
}

static void
disabling_lets_a_thread_go_that_waits(void **state)
{
    (void)state;
    assert_int_equal(isolate(let_go, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_room_is_counted),
        cmocka_unit_test(a_flight_recorder_has_the_newest),
        cmocka_unit_test(a_thread_that_waits_loses_nothing),
        cmocka_unit_test(a_writer_that_is_stuck_is_not_waited_for),
        cmocka_unit_test(sessions_end_while_events_come),
        cmocka_unit_test(disabling_lets_a_thread_go_that_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
