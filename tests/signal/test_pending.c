/* SPDX-License-Identifier: MIT */

/* Signals of the host's that wait where it blocks them, while profiling ends. */

#include "suite.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "mask.h"
#include "profiled.h"
#include "rungs.h"

enum {
    TO_THREAD = 4711,
    TO_PROCESS = 4712,
};

static volatile sig_atomic_t taken, last_value, was_ticked;
static _Thread_local volatile sig_atomic_t taken_here;

static void
take(int number, siginfo_t *info, void *context)
{
    (void)context;
    taken += number == SIGPROF;
    taken_here++;
    last_value = info->si_value.sival_int;
    was_ticked += info->si_code != SI_QUEUE;
}

static void
set_handler(void)
{
    const struct sigaction action = { .sa_sigaction = take,
                                      .sa_flags = SA_SIGINFO };

    require(sigaction(SIGPROF, &action, NULL) == 0);
}

static void
send_to_this_thread(void)
{
    siginfo_t info = { .si_signo = SIGPROF, .si_code = SI_QUEUE };

    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = TO_THREAD;
    require(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGPROF,
                    &info) == 0);
}

static void
send_to_process(void)
{
    require(sigqueue(getpid(), SIGPROF,
                     (union sigval){ .sival_int = TO_PROCESS }) == 0);
}

/* No tick of ours is due before. */
static void
wait_for_this_thread(void)
{
    int file;

    attach();
    set_handler();
    file = enable(0.9);
    set_mask(SIG_BLOCK);
    send_to_this_thread();
    end_profile(file);
    require(taken == 0 && is_pending());
    set_mask(SIG_UNBLOCK);
    require(taken == 1 && last_value == TO_THREAD);
}

static int
begin_with_a_tick_that_waits(void)
{
    int file;

    attach();
    set_handler();
    file = enable(0.001);
    set_mask(SIG_BLOCK);
    require(burn_until(is_pending(), 5000));
    return file;
}

/* Beside a tick that waits, too, and where that is dropped. */
static void
wait_for_the_process(void)
{
    int file;

    file = begin_with_a_tick_that_waits();
    send_to_process();
    end_profile(file);
    require(taken == 0 && is_pending());
    set_mask(SIG_UNBLOCK);
    require(taken == 1 && last_value == TO_PROCESS && !was_ticked);
    require(!is_pending());
}

static void
what_is_sent_while_the_host_blocks_it_reaches_it(void **state)
{
    (void)state;
    on_each_rung(wait_for_this_thread);
    on_each_rung(wait_for_the_process);
}

static volatile sig_atomic_t is_ready, may_go_on;

/* It blocks the signal from its beginning on, and ends with it unblocked. */
static void *
wait_elsewhere(void *user)
{
    set_mask(SIG_BLOCK);
    if (user)
        attach();
    else
        send_to_this_thread();
    require(!user || burn_until(is_pending(), 5000));
    is_ready = true;
    require(wait_until(may_go_on, 10000));
    set_mask(SIG_UNBLOCK);
    require(taken_here == (user == NULL));
    return NULL;
}

static void
disable_beside(bool ticks, pthread_t *thread)
{
    const int file = enable(0.001);

    require(pthread_create(thread, NULL, wait_elsewhere,
                           ticks ? thread : NULL) == 0);
    require(wait_until(is_ready, 10000));
    if (ticks)
        send_to_process();
    end_profile(file);
}

static void
let_go_on(pthread_t thread)
{
    may_go_on = true;
    require(pthread_join(thread, NULL) == 0);
}

/* It has no part in the session. */
static void
wait_for_another_thread(void)
{
    pthread_t thread;

    set_handler();
    attach();
    disable_beside(false, &thread);
    let_go_on(thread);
    require(taken == 1 && last_value == TO_THREAD);
}

/* Where nobody but that thread could take its tick. */
static void
wait_beside_another_threads_tick(void)
{
    pthread_t thread;

    set_handler();
    set_mask(SIG_BLOCK);
    disable_beside(true, &thread);
    require(taken == 0 && is_pending());
    set_mask(SIG_UNBLOCK);
    require(taken == 1 && last_value == TO_PROCESS);
    let_go_on(thread);
}

static void
also_where_others_block_it(void **state)
{
    (void)state;
    on_each_rung(wait_for_another_thread);
    on_each_rung(wait_beside_another_threads_tick);
}

static void *
disable_here(void *user)
{
    end_profile(*(const int *)user);
    return NULL;
}

/* Not the process's first thread: only that may send under the process's number
 * what the kernel itself might have sent. */
static void
disable_on_another_thread(void)
{
    pthread_t thread;
    int file;

    file = begin_with_a_tick_that_waits();
    require(kill(getpid(), SIGPROF) == 0);
    require(pthread_create(&thread, NULL, disable_here, &file) == 0);
    require(pthread_join(thread, NULL) == 0);
    require(taken == 0 && is_pending());
    set_mask(SIG_UNBLOCK);
    require(taken == 1 && was_ticked == 1);
}

static void
and_whatever_thread_disables(void **state)
{
    (void)state;
    on_each_rung(disable_on_another_thread);
}

/* A host that never has a handler, but waits for the signal. */
static void
wait_without_handler(void)
{
    sigset_t signals;
    siginfo_t info;
    int file;

    attach();
    file = enable(0.001);
    set_mask(SIG_BLOCK);
    require(burn_until(is_pending(), 5000));
    send_to_process();
    /* Nobody else could take its tick from it later. */
    require(vmprof_detach_thread(head) == 0);
    end_profile(file);
    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    require(sigwaitinfo(&signals, &info) == SIGPROF);
    require(info.si_code == SI_QUEUE && info.si_value.sival_int == TO_PROCESS);
    require(!is_pending());
    set_mask(SIG_UNBLOCK);
}

static void
a_host_that_waits_for_the_signal_gets_it_and_no_tick(void **state)
{
    (void)state;
    on_each_rung(wait_without_handler);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_while_the_host_blocks_it_reaches_it),
        cmocka_unit_test(also_where_others_block_it),
        cmocka_unit_test(and_whatever_thread_disables),
        cmocka_unit_test(a_host_that_waits_for_the_signal_gets_it_and_no_tick),
    };

    return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
