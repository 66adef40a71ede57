/* SPDX-License-Identifier: MIT */

/* The events of threads that end, come in the place of others, and fork. */

#include "suite.h"

#include <pthread.h>

#include "jit_events.h"

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
    skip_where_malloc_dies_in_fork();
    assert_int_equal(isolate(fork_with_events, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_end_leave_their_events),
        cmocka_unit_test(a_ring_stays_where_it_is),
        cmocka_unit_test(a_child_has_events_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
