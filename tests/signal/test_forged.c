/* SPDX-License-Identifier: MIT */

/* Signals that look as if a clock had sent them. */

#include "suite.h"

#include <string.h>
#include <sys/syscall.h>

#include "../../lib/record/thread.h"
#include "profiled.h"
#include "rungs.h"

enum {
    FORGED = 4711,
};

static volatile sig_atomic_t forwarded, last_code;

static void
foreign(int number, siginfo_t *info, void *context)
{
    (void)context;
    forwarded += number == SIGPROF;
    last_code = info->si_code;
}

static bool
begin_beside_a_handler(int file, double interval)
{
    struct sigaction action = { .sa_sigaction = foreign,
                                .sa_flags = SA_SIGINFO };

    sigemptyset(&action.sa_mask);
    require(sigaction(SIGPROF, &action, NULL) == 0);
    return begin(file, interval);
}

/* A process may give any code to a signal that it sends to itself. */
static void
forge(int code, int value)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = SIGPROF;
    info.si_code = code;
    if (code == POLL_IN || code == POLL_HUP)
        info.si_fd = value;
    else
        info.si_value.sival_int = value;
    require(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGPROF,
                    &info) == 0);
}

static void
send_all_kinds(void)
{
    const union sigval value = { .sival_int = FORGED };

    require(kill(getpid(), SIGPROF) == 0);
    require(forwarded == 1 && last_code == SI_USER);
    require(syscall(SYS_tgkill, getpid(), gettid(), SIGPROF) == 0);
    require(forwarded == 2 && last_code == SI_TKILL);
    require(sigqueue(getpid(), SIGPROF, value) == 0);
    require(forwarded == 3 && last_code == SI_QUEUE);
    forge(SI_TIMER, FORGED);
    require(forwarded == 4 && last_code == SI_TIMER);
    forge(SI_MESGQ, FORGED);
    require(forwarded == 5 && last_code == SI_MESGQ);
    /* Of a descriptor that is not the clock's; 0 is a clock's that is off. */
    forge(POLL_IN, 1000);
    require(forwarded == 6 && last_code == POLL_IN);
    forge(POLL_HUP, 1000);
    require(forwarded == 7 && last_code == POLL_HUP);
}

/* perf's event ends with each tick, and says so: what does not is the host's,
 * who closed the event and has its number for something else, or forged. */
static void
send_as_our_event(void)
{
    const struct vmp_thread *const thread = (struct vmp_thread *)head;

    if (rung != VMPROF_CLOCK_PERF)
        return;
    forge(POLL_IN, thread->clock.fd);
    require(forwarded == 8 && last_code == POLL_IN);
}

static void
from_itself(void)
{
    const int file = profile_file();
    struct decoded d;

    if (!begin_beside_a_handler(file, 0.9))
        return;
    send_all_kinds();
    send_as_our_event();
    finish_profile(file, &d);
    /* The interval is longer than all this: no signal of ours was due. */
    require(profile_stats().expirations == 0);
    require(taken_samples(&d) == 0);
    decoded_free(&d);
}

static void
from_another(void)
{
    const union sigval value = { .sival_int = FORGED };
    const int file = profile_file();
    const pid_t target = getpid(), thread = gettid();
    struct decoded d;
    int status;
    pid_t sender;

    if (!begin_beside_a_handler(file, 0.9))
        return;
    sender = fork();
    require(sender >= 0);
    if (!sender) {
        siginfo_t info;

        memset(&info, 0, sizeof(info));
        info.si_signo = SIGPROF;
        info.si_code = SI_QUEUE;
        info.si_value = value;
        require(syscall(SYS_rt_tgsigqueueinfo, target, thread, SIGPROF,
                        &info) == 0);
        /* What is not its own it may not say that the kernel sent. */
        info.si_code = POLL_IN;
        require(syscall(SYS_rt_tgsigqueueinfo, target, thread, SIGPROF, &info) <
                    0 &&
                errno == EPERM);
        _exit(0);
    }
    while (waitpid(sender, &status, 0) < 0)
        require(errno == EINTR);
    require(status == 0);
    require(wait_until(forwarded == 1, 5000));
    require(last_code == SI_QUEUE);
    finish_profile(file, &d);
    require(profile_stats().expirations == 0);
    decoded_free(&d);
}

static void
forged_signals_are_forwarded_and_take_no_sample(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rungs); i++) {
        rung = rungs[i];
        assert_int_equal(isolate(from_itself, 30), 0);
        forwarded = 0;
        assert_int_equal(isolate(from_another, 30), 0);
        forwarded = 0;
    }
}

static void
forge_ticks(void)
{
    const struct vmp_thread *thread;
    const int file = profile_file();
    uint64_t expirations;
    struct decoded d;

    if (!begin_beside_a_handler(file, 0.001))
        return;
    thread = (struct vmp_thread *)head;
    require(burn_until(profile_stats().samples > 5, 10000));
    for (int i = 0; i < 3; i++)
        forge(POLL_HUP, thread->clock.fd);
    /* Each made the event go on for a tick more, which is not ours. */
    require(burn_until(forwarded, 10000));
    require(last_code == POLL_IN);
    expirations = profile_stats().expirations;
    burn_cpu_ms(200);
    expirations = profile_stats().expirations - expirations -
                  profile_stats().system_ticks;
    require(forwarded <= 3);
    require(is_slow() || expirations < 230);
    finish_profile(file, &d);
    require(profile_stats().sampled_ns > 200000000);
    decoded_free(&d);
}

static void
after_a_forged_tick_one_period_has_one(void **state)
{
    (void)state;
    rung = VMPROF_CLOCK_PERF;
    assert_int_equal(isolate(forge_ticks, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_signals_are_forwarded_and_take_no_sample),
        cmocka_unit_test(after_a_forged_tick_one_period_has_one),
    };

    return cmocka_run_group_tests_name("forged", tests, NULL, NULL);
}
