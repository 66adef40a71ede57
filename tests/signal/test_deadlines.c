/* SPDX-License-Identifier: MIT */

/* Ticks that are moved with each sample of a poll, and what the host does to them. */

#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "polling.h"
#include "record/session.h"

static struct vmp_thread *
record(void)
{
    return (struct vmp_thread *)thread;
}

/* Polls often for 1 ms, and then twice in 400 us. */
static void
poll_unevenly(unsigned spins)
{
    run(often, 1000, 20, thread);
    for (unsigned i = 0; i < 2; i++) {
        spin(spins);
        vmprof_poll(thread);
    }
}

/* Returns the file; ends the process if there is no such clock. */
static int
begin_deadlines(enum vmprof_clock clock, unsigned *spins)
{
    const int file = begin_on(clock, 0.001, VMPROF_SAMPLING_AUTO);

    if (record()->clock.rung != clock)
        _exit(0);
    *spins = spins_in(200 * 1000);
    require(burn_until((poll_unevenly(*spins), record()->poll.deadline.is_set),
                       20000));
    return file;
}

static void
poll_for_ms(unsigned ms, unsigned spins)
{
    const uint64_t end_ns = cpu_now_ns() + (uint64_t)ms * 1000000;

    while (cpu_now_ns() < end_ns)
        poll_unevenly(spins);
}

static void
have_another_file_of_its_number(void)
{
    unsigned spins;
    const int file = begin_deadlines(VMPROF_CLOCK_PERF, &spins);
    int ends[2], left = 0;

    require(pipe(ends) == 0 && write(ends[1], "12345678", 8) == 8);
    require(dup2(ends[0], record()->clock.fd) >= 0);
    poll_for_ms(500, spins);
    require(ioctl(ends[0], FIONREAD, &left) == 0 && left == 8);
    close(ends[1]);
    end_profile(file);
}

static void
nothing_is_read_from_a_file_that_has_the_clocks_number(void **state)
{
    (void)state;
    assert_int_equal(isolate(have_another_file_of_its_number, 60), 0);
}

static atomic_uint hosts;

static void
count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&hosts, 1);
}

static void
take_the_signal(void)
{
    const struct sigaction own = { .sa_handler = count_signal };
    struct sigaction ours;
    unsigned spins;
    const int file = begin_deadlines(VMPROF_CLOCK_MONOTONIC, &spins);

    require(sigaction(SIGPROF, &own, &ours) == 0);
    poll_for_ms(300, spins);
    if (atomic_load(&hosts) > 3)
        dprintf(2, "the host got %u\n", atomic_load(&hosts));
    require(atomic_load(&hosts) <= 3);
    require(sigaction(SIGPROF, &ours, NULL) == 0);
    end_profile(file);
}

static void
a_host_that_takes_the_signal_gets_what_was_on_its_way(void **state)
{
    (void)state;
    assert_int_equal(isolate(take_the_signal, 60), 0);
}

/* Its tick is on the way, for a mask holds it back. */
static void
move_what_has_ended(void)
{
    struct vmp_clock clock = { 0 };
    sigset_t signals;
    uint64_t count_ns;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (vmp_clock_start(&clock, VMPROF_CLOCK_PERF, gettid(), 1000 * 1000) < 0)
        _exit(0);
    vmp_clock_begin(&clock, cpu_now_ns());
    burn_cpu_ms(20);
    count_ns = vmp_clock_count(&clock);
    require(count_ns < 15 * 1000 * 1000); /* it has ended */
    vmp_clock_move(&clock, vmp_now_ns(CLOCK_MONOTONIC), cpu_now_ns(),
                   1000 * 1000, 1000 * 1000);
    require(clock.ran_ns == count_ns);
    vmp_clock_stop(&clock);
}

static void
an_event_that_has_ended_is_moved_by_what_it_counted(void **state)
{
    (void)state;
    assert_int_equal(isolate(move_what_has_ended, 20), 0);
}

static sem_t asked, answered;
static unsigned checks;

static void *
check(void *unused)
{
    for (;;) {
        sem_wait(&asked);
        vmp_threads_lock();
        for (unsigned i = 0; i < checks; i++)
            vmp_session_check_clocks();
        vmp_threads_unlock();
        sem_post(&answered);
    }
    return unused;
}

/* While this thread is blocked, and its event stands still. */
static void
have_it_checked(unsigned times)
{
    checks = times;
    sem_post(&asked);
    sem_wait(&answered);
}

static void
be_checked_between_polls(void)
{
    unsigned spins;
    const int file = begin_deadlines(VMPROF_CLOCK_PERF, &spins);
    pthread_t checker;

    sem_init(&asked, 0, 0);
    sem_init(&answered, 0, 0);
    require(pthread_create(&checker, NULL, check, NULL) == 0);
    for (unsigned i = 0; i < 30; i++) {
        require(burn_until(
            (poll_unevenly(spins), record()->poll.deadline.is_set), 20000));
        have_it_checked(1);
        /* Hardly a tick: the clock is moved alone. */
        run(often, 30 * 1000, 20, thread);
        have_it_checked(2);
    }
    require(profile_stats().clock_failures == 0);
    end_profile(file);
}

static void
a_clock_that_is_moved_is_not_taken_for_a_broken_one(void **state)
{
    (void)state;
    assert_int_equal(isolate(be_checked_between_polls, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            nothing_is_read_from_a_file_that_has_the_clocks_number),
        cmocka_unit_test(a_host_that_takes_the_signal_gets_what_was_on_its_way),
        cmocka_unit_test(an_event_that_has_ended_is_moved_by_what_it_counted),
        cmocka_unit_test(a_clock_that_is_moved_is_not_taken_for_a_broken_one),
    };

    return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
