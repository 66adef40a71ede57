/* SPDX-License-Identifier: MIT */

/* Edges between traces, from the threads that take them to the file. */

#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "profiled.h"

static const double INTERVAL = 0.001;

enum {
    SMALL_RING = 1024,
    BLOCK_BIT = 1,
    NEWEST_BIT = 2,
    INNER_BIT = 4,
    LOST_NUMBER = 46, /* keys of STATS */
    EVENTS_NUMBER = 44,
};

static struct vmprof_thread *thread;

static struct vmprof_options
event_options(int file)
{
    struct vmprof_options options = profile_options(file, INTERVAL);

    options.jit_emits = VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT;
    return options;
}

static int
begin(const struct vmprof_options *given)
{
    struct vmprof_options options = *given;

    options.fd = profile_file();
    if (!vmprof_current_thread())
        require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable_with(&options) == 0);
    return options.fd;
}

static void
require_that_events_balance(const struct decoded *d)
{
    const struct vmprof_stats stats = profile_stats();

    require(stats.jit_events == d->event_count);
    require(d->stats.number[EVENTS_NUMBER] == stats.jit_events);
    require(d->stats.number[LOST_NUMBER] == stats.jit_events_lost);
}

static void
finish(int file, struct decoded *d)
{
    finish_profile(file, d);
    require_that_events_balance(d);
}

/* Takes an edge of each kind, as a thread comes to them. */
static void
take_each_edge(void)
{
    const uint32_t emits = VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT;

    vmprof_jit_enter(thread, 1, emits);
    require(thread->trace == 1);
    vmprof_jit_jump(thread, 2, emits);
    require(thread->trace == 2);
    vmprof_jit_call(thread, 2, emits);
    require(thread->trace == 0);
    vmprof_jit_enter(thread, 3, emits);
    vmprof_jit_exit(thread, 4, emits);
    require(thread->trace == 0);
    vmprof_jit_return(thread, 2, emits);
    require(thread->trace == 2);
    vmprof_jit_exit(thread, 0xffffff, emits);
    require(thread->trace == 0);
}

static void
each_edge(void)
{
    static const uint32_t expected[][2] = {
        { 1, VMPROF_EDGE_ENTER },       { 2, VMPROF_EDGE_JUMP },
        { 2, VMPROF_EDGE_CALL },        { 3, VMPROF_EDGE_ENTER },
        { 4, VMPROF_EDGE_EXIT },        { 2, VMPROF_EDGE_RETURN },
        { 0xffffff, VMPROF_EDGE_EXIT },
    };
    const struct vmprof_options options = event_options(-1);
    const int file = begin(&options);
    struct decoded d;

    take_each_edge();
    finish(file, &d);
    require(d.event_count == LENGTH(expected));
    for (size_t i = 0; i < d.event_count; i++) {
        require(d.events[i].id == expected[i][0]);
        require(d.events[i].edge == expected[i][1]);
        require(d.events[i].number == i && d.events[i].lost == 0);
        require(!i || d.events[i].ticks > d.events[i - 1].ticks);
    }
}

static void
events_are_in_the_file_in_order(void **state)
{
    (void)state;
    assert_int_equal(isolate(each_edge, 60), 0);
}

static void
jump_often(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        vmprof_jit_jump(thread, 1 + i % 1000, VMPROF_EMIT_EVENT);
}

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

static void *
live_briefly(void *unused)
{
    struct vmprof_thread *own;

    (void)unused;
    require(vmprof_attach_thread(NULL, &own) == 0);
    for (unsigned i = 0; i < 100; i++)
        vmprof_jit_jump(own, 1 + i, VMPROF_EMIT_EVENT);
    return NULL; /* detached by the library */
}

static void
end_threads(void)
{
    enum {
        THREADS = 60
    };
    static unsigned next[THREADS + 1];
    struct vmprof_options options = event_options(-1);
    struct decoded d;
    pthread_t brief;
    int file;

    options.jit_overflow = VMPROF_JIT_OVERFLOW_NEWEST;
    options.jit_ring_size = SMALL_RING;
    file = begin(&options);
    for (unsigned i = 0; i < THREADS; i++) {
        require(pthread_create(&brief, NULL, live_briefly, NULL) == 0);
        require(pthread_join(brief, NULL) == 0);
    }
    finish(file, &d);
    require(d.event_count == 100 * THREADS);
    for (size_t i = 0; i < d.event_count; i++) {
        require(d.events[i].thread <= THREADS);
        require(d.events[i].id == ++next[d.events[i].thread]);
    }
}

static void
threads_that_end_leave_their_events(void **state)
{
    (void)state;
    assert_int_equal(isolate(end_threads, 60), 0);
}

/* Its record is the next thread's, whose machine code may have the address of
 * the ring from the one before. */
static void *
tell_ring(void *ring)
{
    struct vmprof_thread *own;

    require(vmprof_attach_thread(NULL, &own) == 0);
    *(struct vmprof_jit_ring **)ring = own->jit_ring;
    require(own->trace == 0);
    vmprof_jit_enter(own, 5, VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT);
    return NULL;
}

static void
reuse(void)
{
    struct vmprof_options options = event_options(-1);
    struct vmprof_jit_ring *rings[2];
    struct decoded d;
    pthread_t brief;
    int file;

    for (int i = 0; i < 2; i++) {
        require(pthread_create(&brief, NULL, tell_ring, &rings[i]) == 0);
        require(pthread_join(brief, NULL) == 0);
        require(rings[0]->index == 0);
    }
    require(rings[0] == rings[1]);
    for (uint32_t size = SMALL_RING; size <= 8 * SMALL_RING; size *= 2) {
        options.jit_ring_size = size;
        file = begin(&options);
        require(pthread_create(&brief, NULL, tell_ring, &rings[1]) == 0);
        require(pthread_join(brief, NULL) == 0);
        take_each_edge();
        finish(file, &d);
        require(d.event_count == 8 && profile_stats().jit_events_lost == 0);
        decoded_free(&d);
        take_each_edge(); /* for no session */
    }
}

static void
a_ring_stays_where_it_is(void **state)
{
    (void)state;
    assert_int_equal(isolate(reuse, 60), 0);
}

static void
fork_with_events(void)
{
    struct vmprof_options options = event_options(-1);
    int file, status;
    struct decoded d;
    pid_t child;

    options.jit_overflow = VMPROF_JIT_OVERFLOW_BLOCK;
    options.jit_ring_size = SMALL_RING;
    file = begin(&options);
    take_each_edge();
    child = fork();
    if (child == 0) {
        /* There is no writer here; nor is one waited for. */
        jump_often(100 * SMALL_RING);
        require(profile_stats().jit_events == 0);
        file = begin(&options);
        take_each_edge();
        finish(file, &d);
        require(d.event_count == 7);
        _exit(0);
    }
    require(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    take_each_edge();
    finish(file, &d);
    require(d.event_count == 14);
}

static void
a_child_has_events_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(isolate(fork_with_events, 60), 0);
}

/* One loop in twenty jumps is another's inner bridge. */
static size_t
count_inner(uint32_t policy)
{
    struct vmprof_options options = event_options(-1);
    struct decoded d;
    size_t inner = 0;
    int file;

    options.jit_inner = policy;
    file = begin(&options);
    for (unsigned i = 0; i < 100; i++) {
        vmprof_jit_jump_inner(thread, 2, VMPROF_EMIT_EVENT);
        vmprof_jit_jump(thread, 1, VMPROF_EMIT_EVENT);
    }
    finish(file, &d);
    for (size_t i = 0; i < d.event_count; i++) {
        inner += d.events[i].id == 2;
        require((d.events[i].bits & INNER_BIT) ==
                (policy >= VMPROF_JIT_INNER_EACH ? INNER_BIT : 0));
    }
    require(d.event_count == 100 + inner);
    decoded_free(&d);
    return inner;
}

static void
inner_bridges(void)
{
    require(count_inner(VMPROF_JIT_INNER_COUNT) == 0);
    require(count_inner(VMPROF_JIT_INNER_IGNORE) == 0);
    require(count_inner(VMPROF_JIT_INNER_EACH) == 100);
    require(count_inner(VMPROF_JIT_INNER_AUTO) == 100);
}

static void
inner_bridges_make_events_where_they_are_wanted(void **state)
{
    (void)state;
    assert_int_equal(isolate(inner_bridges, 60), 0);
}
/* Until the library finds that they are too short to time. */
static void
jump_in_short_segments(void)
{
    struct vmprof_options options = event_options(-1);
    size_t before = 0, after = 0;
    struct decoded d;
    int file;

    options.jit_inner = VMPROF_JIT_INNER_AUTO;
    options.jit_ring_size = SMALL_RING;
    file = begin(&options);
    while (before == 0 || thread->jit_ring->inner) {
        vmprof_jit_jump_inner(thread, 2, VMPROF_EMIT_EVENT);
        vmprof_jit_jump(thread, 1, VMPROF_EMIT_EVENT);
        before = 1;
    }
    for (before = 0; before < 10; before++) {
        usleep(10000); /* some of these may find room */
        vmprof_jit_jump_inner(thread, 2, VMPROF_EMIT_EVENT);
        vmprof_jit_jump(thread, 1, VMPROF_EMIT_EVENT);
    }
    finish(file, &d);
    before = 0;
    for (size_t i = 0; i < d.event_count; i++) {
        before += d.events[i].bits & INNER_BIT && d.events[i].id == 2;
        after += !(d.events[i].bits & INNER_BIT);
        require(d.events[i].id == 1 || d.events[i].bits & INNER_BIT);
    }
    require(before > 0 && after > 0 && after <= 11);
}

static void
short_segments_end_the_events_of_inner_bridges(void **state)
{
    (void)state;
    assert_int_equal(isolate(jump_in_short_segments, 60), 0);
}

/* Events say when they were, and how much of that the thread had a CPU. */
static void
tell_times(void)
{
    const struct vmprof_options options = event_options(-1);
    const int file = begin(&options);
    struct lived lived[3];
    struct decoded d;

    for (int i = 0; i < 3; i++) {
        lived[i] = lived_so_far();
        vmprof_jit_jump(thread, 1, VMPROF_EMIT_EVENT);
        if (i == 0)
            burn_cpu_ms(150);
        if (i == 1)
            sleep_ms(150);
    }
    /* The next mark is not far. */
    burn_cpu_ms(60);
    finish(file, &d);
    require(d.event_count == 3);
    for (int i = 1; i < 3; i++) {
        const double ns = d.events[i].ns - d.events[i - 1].ns;
        const double cpu_ns = d.events[i].cpu_ns - d.events[i - 1].cpu_ns;
        const double lived_ns =
            (double)(lived[i].wall_ns - lived[i - 1].wall_ns);
        const double lived_cpu_ns =
            (double)(lived[i].cpu_ns - lived[i - 1].cpu_ns);

        /* A thread may be kept from its CPU in the middle of it. */
        require(ns > lived_ns * 0.98 - 5e6 && ns < lived_ns * 1.02 + 60e6);
        require(cpu_ns > lived_cpu_ns - 65e6 && cpu_ns < lived_cpu_ns + 65e6);
    }
}

static void
events_have_times(void **state)
{
    (void)state;
    assert_int_equal(isolate(tell_times, 60), 0);
}

#define REFUSED(member, value)                                                 \
    do {                                                                       \
        struct vmprof_options bad = event_options(file);                       \
        bad.member = value;                                                    \
        require(vmprof_enable_with(&bad) == -EINVAL);                          \
    } while (0)

static void
refuse_options(void)
{
    const int file = profile_file();

    REFUSED(jit_emits, 8);
    REFUSED(jit_inner, VMPROF_JIT_INNER_AUTO + 1);
    REFUSED(jit_overflow, VMPROF_JIT_OVERFLOW_BLOCK + 1);
    REFUSED(jit_ring_size, 512);
    REFUSED(jit_ring_size, 1025);
    REFUSED(jit_ring_size, 1u << 27);
    REFUSED(format, VMPROF_FORMAT_LOG);
}

static void
bad_options_are_refused(void **state)
{
    (void)state;
    assert_int_equal(isolate(refuse_options, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_in_the_file_in_order),
        cmocka_unit_test(what_has_no_room_is_counted),
        cmocka_unit_test(a_flight_recorder_has_the_newest),
        cmocka_unit_test(a_thread_that_waits_loses_nothing),
        cmocka_unit_test(a_writer_that_is_stuck_is_not_waited_for),
        cmocka_unit_test(disabling_lets_a_thread_go_that_waits),
        cmocka_unit_test(sessions_end_while_events_come),
        cmocka_unit_test(threads_that_end_leave_their_events),
        cmocka_unit_test(a_ring_stays_where_it_is),
        cmocka_unit_test(a_child_has_events_of_its_own),
        cmocka_unit_test(inner_bridges_make_events_where_they_are_wanted),
        cmocka_unit_test(short_segments_end_the_events_of_inner_bridges),
        cmocka_unit_test(events_have_times),
        cmocka_unit_test(bad_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
