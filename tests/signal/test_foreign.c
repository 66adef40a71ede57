/* SPDX-License-Identifier: MIT */

/* Signals that are not ours, sleeps that are not ours to end, and clocks of
 * threads that are gone. */

#include "suite.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "descriptors.h"
#include "profiled.h"
#include "rungs.h"

enum {
    SPELLS = 20,
    MOST_TRIES = 20,
    MOST_CUT_SHORT = 8, /* as doc/design.md says */
};

static volatile sig_atomic_t forwarded;

static volatile sig_atomic_t nested, deepest, other_was_blocked;

static void
send_once_more(int number)
{
    sigset_t now;

    nested++;
    if (nested > deepest)
        deepest = nested;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    other_was_blocked = sigismember(&now, SIGUSR1);
    if (forwarded++ == 0)
        raise(number);
    nested--;
}

static void
forward_with(int flags, int depth)
{
    struct sigaction action = { .sa_handler = send_once_more,
                                .sa_flags = flags };
    const int file = profile_file();
    struct decoded d;
    sigset_t after;

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR1);
    require(sigaction(SIGPROF, &action, NULL) == 0);
    if (!begin(file, 0.9))
        return;
    require(raise(SIGPROF) == 0);
    require(wait_until(forwarded == 2, 5000));
    require(deepest == depth && other_was_blocked);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    require(!sigismember(&after, SIGUSR1) && !sigismember(&after, SIGPROF));
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
count_once(int number)
{
    forwarded += number == SIGPROF;
}

/* As the kernel has it: the action is the default one when it begins. */
static void
forward_once(void)
{
    struct sigaction once = { .sa_handler = count_once,
                              .sa_flags = (int)SA_RESETHAND };
    struct sigaction after;
    const int file = profile_file();
    struct decoded d;

    forwarded = 0;
    sigaction(SIGPROF, &once, NULL);
    require(vmprof_enable(file, 0.001) == 0);
    raise(SIGPROF);
    raise(SIGPROF);
    require(forwarded == 1);
    finish_profile(file, &d);
    decoded_free(&d);
    sigaction(SIGPROF, NULL, &after);
    require(after.sa_handler == SIG_DFL);
}

static void
a_handler_that_is_to_run_once_does(void **state)
{
    (void)state;
    assert_int_equal(isolate(forward_once, 60), 0);
}

static void
forward_deferred(void)
{
    forward_with(0, 1);
}

static void
forward_nested(void)
{
    forward_with(SA_NODEFER, 2);
}

static void
a_foreign_handler_runs_under_the_mask_it_asked_for(void **state)
{
    (void)state;
    rung = VMPROF_CLOCK_MONOTONIC;
    assert_int_equal(isolate(forward_deferred, 20), 0);
    assert_int_equal(isolate(forward_nested, 20), 0);
}

static int
nap(unsigned kind)
{
    const struct timespec moment = { 0, 30 * 1000 * 1000 };
    struct epoll_event event;
    int queue, r;

    if (kind == 0)
        return nanosleep(&moment, NULL);
    if (kind == 1)
        return poll(NULL, 0, 30);
    queue = epoll_create1(EPOLL_CLOEXEC);
    require(queue >= 0);
    r = epoll_wait(queue, &event, 1, 30);
    close(queue);
    return r;
}

/* The most naps in a row that ended before their time, one after the other
 * until one did not, of those that follow work. */
static unsigned
most_naps_cut_short(unsigned kind)
{
    unsigned most = 0;

    for (unsigned i = 0; i < SPELLS; i++) {
        unsigned short_ones = 0;

        burn_cpu_ms(5);
        while (nap(kind) < 0 && errno == EINTR)
            short_ones++;
        most = short_ones > most ? short_ones : most;
    }
    return most;
}

static void
sleep_after_work(void)
{
    const int file = profile_file();
    struct decoded d;

    if (!begin(file, 0.001))
        return;
    for (unsigned kind = 0; kind < 3; kind++)
        require(most_naps_cut_short(kind) <=
                (rung == VMPROF_CLOCK_MONOTONIC ? MOST_CUT_SHORT : 0));
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
a_clock_of_cpu_time_ends_no_sleep_and_another_eight(void **state)
{
    (void)state;
    on_each_rung(sleep_after_work);
}

static unsigned
sleeps_cut_short(void)
{
    unsigned cut_short = 0;

    for (unsigned i = 0; i < SPELLS; i++) {
        burn_cpu_ms(3);
        while (nap(0) < 0 && errno == EINTR)
            cut_short++;
    }
    return cut_short;
}

/* After the first, which shows that they are long, the observer looks for their
 * end: what is cut short is by the tick that was armed before. Where others keep
 * the observer from the CPU, it finds the thread in the next sleep, and has learnt
 * nothing: that sleep is ended as the first, so once it has to get its turns. */
static void
sleep_for_long(void)
{
    const int file = profile_file();
    struct decoded d;
    unsigned tries = 0, cut_short;

    if (!begin(file, 0.001))
        return;
    most_naps_cut_short(0);
    do
        cut_short = sleeps_cut_short();
    while (cut_short > 3 * SPELLS && ++tries < MOST_TRIES);
    finish_profile(file, &d);
    if (cut_short > 3 * SPELLS)
        dprintf(2, "%u sleeps cut short in %u\n", cut_short, (unsigned)SPELLS);
    require(cut_short <= 3 * SPELLS);
    require(profile_stats().samples > SPELLS);
    decoded_free(&d);
}

/* Nor does a pause change what a sleep may be ended by. */
static void
sleep_in_a_pause(void)
{
    const int file = profile_file();
    struct decoded d;
    unsigned cut_short = 0;

    if (!begin(file, 0.001))
        return;
    burn_cpu_ms(5);
    require(vmprof_pause() >= 0);
    while (nap(0) < 0 && errno == EINTR && cut_short <= MOST_CUT_SHORT)
        cut_short++;
    require(vmprof_resume() >= 0);
    require(cut_short <= MOST_CUT_SHORT);
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
long_sleeps_are_ended_once(void **state)
{
    (void)state;
    rung = VMPROF_CLOCK_MONOTONIC;
    assert_int_equal(isolate(sleep_for_long, 60), 0);
    assert_int_equal(isolate(sleep_in_a_pause, 60), 0);
}

static unsigned
live_timers(void)
{
    FILE *const file = fopen("/proc/self/timers", "re");
    unsigned count = 0;
    char line[256];

    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file))
        count += !strncmp(line, "ID:", 3);
    fclose(file);
    return count;
}

static void *
live_briefly(void *user)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    /* Some of them forget to detach. */
    if (user)
        require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
churn(void)
{
    const int file = profile_file();
    unsigned descriptors, timers, before, timers_before;
    struct decoded d;

    before = open_descriptors();
    timers_before = live_timers();
    if (!begin(file, 0.001))
        return;
    descriptors = open_descriptors();
    timers = live_timers();
    for (unsigned i = 0; i < rounds(300); i++) {
        pthread_t thread;

        require(pthread_create(&thread, NULL, live_briefly,
                               i % 2 ? &thread : NULL) == 0);
        require(pthread_join(thread, NULL) == 0);
    }
    require(open_descriptors() == descriptors);
    require(live_timers() == timers);
    require(vmprof_disable() == 0);
    require(open_descriptors() == before);
    require(live_timers() == timers_before);
    require(decode_fd(&d, file) == 0);
    decoded_free(&d);
}

static void
threads_that_end_leave_no_clock_behind(void **state)
{
    (void)state;
    on_each_rung(churn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_that_is_to_run_once_does),
        cmocka_unit_test(a_foreign_handler_runs_under_the_mask_it_asked_for),
        cmocka_unit_test(a_clock_of_cpu_time_ends_no_sleep_and_another_eight),
        cmocka_unit_test(long_sleeps_are_ended_once),
        cmocka_unit_test(threads_that_end_leave_no_clock_behind),
    };

    return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
