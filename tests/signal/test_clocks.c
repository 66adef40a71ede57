/* SPDX-License-Identifier: MIT */

/* The rungs of the clock ladder: what each ticks for, and what it owes. */

#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel.h"

enum {
    MS = 1000 * 1000,
};

static const uint32_t rungs[] = { VMPROF_CLOCK_PERF, VMPROF_CLOCK_MONOTONIC,
                                  VMPROF_CLOCK_CPU_TIMER,
                                  VMPROF_CLOCK_OBSERVER };
static uint32_t rung;
static struct vmprof_thread *head;

static uint64_t
clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* False if the machine has no such clock. */
static bool
begin(int file, double interval)
{
    struct vmprof_options options = profile_options(file, interval);
    int r;

    options.clock = rung;
    require(vmprof_attach_thread(NULL, &head) == 0);
    r = vmprof_enable_with(&options);
    require(r == 0 || r == -ENOTSUP);
    return r == 0;
}

static void
compute(void)
{
    const int file = profile_file();
    const vmprof_code_id code = code_named("compute");
    struct vmprof_stats s;
    struct decoded d;
    uint64_t used_ns;

    if (!begin(file, 0.001))
        return;
    vmprof_execute_code_enter(head, code, NULL);
    used_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    burn_cpu_ms(400);
    used_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - used_ns;
    finish_profile(file, &d);
    s = profile_stats();
    require(s.clock == rung);
    require(d.session.number[14] == rung);
    require(s.sampled_ns > used_ns - 60 * MS);
    require(s.sampled_ns < used_ns + 20 * MS);
    /* Due once in a millisecond, whatever the clock made of it, and however
     * often others had the CPU. An observer that has no CPU to run on cannot
     * say what was due. */
    if (s.expirations - s.system_ticks >= 440)
        dprintf(2, "clock %u: %llu expirations\n", (unsigned)rung,
                (unsigned long long)s.expirations);
    require(s.expirations - s.system_ticks < 440);
    require(rung == VMPROF_CLOCK_OBSERVER || s.expirations > 340);
    decoded_free(&d);
}

static void
every_rung_accounts_for_each_period(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rungs); i++) {
        rung = rungs[i];
        assert_int_equal(isolate(compute, 30), 0);
    }
}

static volatile sig_atomic_t asked;

static void
note_request(struct vmprof_thread *thread, void *user)
{
    (void)thread, (void)user;
    asked = 1;
}

/* For 400 ms, all but a little of it in the kernel. */
static void
read_and_answer(void)
{
    static char bytes[1 << 16];
    const struct vmprof_walked_frame frame = { code_named("walked"), 0, 0,
                                               VMPROF_KIND_CODE };
    const uint64_t end_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + 400 * MS;
    const int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    require(zeros >= 0);
    do {
        require(read(zeros, bytes, sizeof(bytes)) == sizeof(bytes));
        if (asked) {
            asked = 0;
            vmprof_sample_stack(head, &frame, 1, 0);
        }
    } while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns);
    close(zeros);
}

static void
ask_sooner(bool by_walker)
{
    struct vmprof_options options = profile_options(profile_file(), 0.001);
    struct vmprof_stats s;
    int r;

    options.clock = VMPROF_CLOCK_PERF;
    options.native = by_walker ? VMPROF_NATIVE_OFF : VMPROF_NATIVE_COPY;
    require(vmprof_attach_thread(NULL, &head) == 0);
    require(!by_walker || vmprof_request_sample(head, note_request, NULL) == 0);
    r = vmprof_enable_with(&options);
    require(r == 0 || r == -ENOTSUP);
    if (r < 0)
        return;
    read_and_answer();
    require(vmprof_disable() == 0);
    s = profile_stats();
    if (s.expirations < 340 || s.expirations > 460)
        dprintf(2, "%llu expirations, %llu samples\n",
                (unsigned long long)s.expirations,
                (unsigned long long)s.samples);
    require(s.samples > 50);
    require(s.expirations > 340 && s.expirations < 460);
}

static void
walk(void)
{
    ask_sooner(true);
}

static void
unwind(void)
{
    ask_sooner(false);
}

/* Ticks are rare while polls come, and asked for sooner for the calls. */
static void
poll_between_calls(void)
{
    static char bytes[1 << 16];
    struct vmprof_options options = profile_options(profile_file(), 0.001);
    const int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    struct decoded d;

    options.clock = VMPROF_CLOCK_PERF;
    require(zeros >= 0 && vmprof_attach_thread(NULL, &head) == 0);
    if (vmprof_enable_with(&options) < 0)
        return;
    vmprof_execute_code_enter(head, code_named("reads"), NULL);
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t end_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + 60 * MS;

        do {
            require(read(zeros, bytes, sizeof(bytes)) == sizeof(bytes));
            vmprof_poll(head);
        } while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns);
        burn_cpu_ms(40);
    }
    close(zeros);
    finish_profile(options.fd, &d);
    decoded_free(&d);
}

static void
each_expiration_has_its_cause_where_a_thread_polls_between_calls(void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_between_calls, 60), 0);
}

static void
ticks_that_are_asked_for_sooner_are_no_more_than_is_due(void **state)
{
    (void)state;
    assert_int_equal(isolate(walk, 60), 0);
    assert_int_equal(isolate(unwind, 60), 0);
}

static void
hold_back(void)
{
    const int file = profile_file();
    const vmprof_code_id code = code_named("blocked");
    sigset_t set, before;
    struct decoded d;
    size_t marked = 0;
    uint64_t weight = 0;

    if (!begin(file, 0.001))
        return;
    vmprof_execute_code_enter(head, code, NULL);
    require(burn_until(profile_stats().samples > 10, 5000));
    sigemptyset(&set);
    sigaddset(&set, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    for (uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + 100 * MS;
         clock_ns(CLOCK_THREAD_CPUTIME_ID) < end;)
        for (volatile int i = 0; i < 10000; i++)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    burn_cpu_ms(20);
    finish_profile(file, &d);
    for (size_t i = 0; i < d.sample_count; i++) {
        if (!(d.samples[i].state & 8) ||
            d.samples[i].weight * d.session.number[4] < 90 * MS)
            continue;
        marked++;
        weight = d.samples[i].weight * d.session.number[4];
    }
    require(marked == 1 && weight < 130 * MS);
    require(profile_stats().held_back >= 1);
    require(profile_stats().lost_overrun > 50);
    decoded_free(&d);
}

static void
a_sample_whose_signal_was_blocked_says_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rung = rungs[i];
        assert_int_equal(isolate(hold_back, 30), 0);
    }
}

static void
in_the_kernel(void)
{
    const int file = profile_file();
    const vmprof_code_id whole = code_named("whole"), most = code_named("most"),
                         rest = code_named("rest");
    double truth, found, in_most = 0, in_rest = 0;
    struct decoded d;

    if (!begin(file, 0.00005))
        return;
    vmprof_execute_code_enter(head, whole, NULL);
    for (unsigned i = 0; i < rounds(400); i++) {
        in_most += (double)call_kernel(head, most, 6 * MS);
        in_rest += (double)call_kernel(head, rest, 2 * MS);
    }
    finish_profile(file, &d);
    require(profile_stats().system_ticks > profile_stats().samples / 4);
    truth = in_most / (in_most + in_rest);
    in_most = weight_under(&d, "t:most:1:");
    in_rest = weight_under(&d, "t:rest:1:");
    found = in_most / (in_most + in_rest);
    if (!is_slow() && (found < truth - 0.01 || found > truth + 0.01))
        dprintf(2, "%.4f where %.4f was due\n", found, truth);
    require(is_slow() || (found > truth - 0.01 && found < truth + 0.01));
    /* And little is left where it is not known which of them it was. */
    require(is_slow() ||
            in_most + in_rest > 0.95 * weight_under(&d, "t:whole:1:"));
    decoded_free(&d);
}

static void
time_in_system_calls_goes_to_who_made_them(void **state)
{
    (void)state;
    rung = VMPROF_CLOCK_PERF;
    assert_int_equal(isolate(in_the_kernel, 60), 0);
}

/* What a tick itself takes in the kernel is not the host's system calls. */
static void
compute_at_a_high_rate(void)
{
    const int file = profile_file();
    const vmprof_code_id code = code_named("compute");

    if (!begin(file, 0.0001))
        return;
    vmprof_execute_code_enter(head, code, NULL);
    while (profile_stats().samples < rounds(3000))
        for (volatile unsigned i = 0; i < 1000000; i++)
            ;
    require(vmprof_disable() == 0);
    if (profile_stats().system_ticks > profile_stats().samples / 10)
        dprintf(2, "%llu samples, %llu system ticks\n",
                (unsigned long long)profile_stats().samples,
                (unsigned long long)profile_stats().system_ticks);
    require(is_slow() ||
            profile_stats().system_ticks < profile_stats().samples / 10);
}

static void
a_loop_that_computes_makes_no_system_calls(void **state)
{
    (void)state;
    rung = VMPROF_CLOCK_PERF;
    assert_int_equal(isolate(compute_at_a_high_rate, 60), 0);
}

static uint64_t
usage_ns(void)
{
    struct rusage u;

    getrusage(RUSAGE_THREAD, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

/* The last sample may lie far back: what is unsampled is known by the thread's
 * own total. */
static void
add_up(void)
{
    const int file = profile_file();
    const vmprof_code_id code = code_named("compute");
    uint64_t used_ns, known_ns;
    struct decoded d;

    if (!begin(file, 0.001))
        return;
    vmprof_execute_code_enter(head, code, NULL);
    used_ns = usage_ns();
    burn_cpu_ms(1500);
    used_ns = usage_ns() - used_ns;
    finish_profile(file, &d);
    known_ns = d.threads[0].fields.number[10] * d.session.number[4];
    require(known_ns >= profile_stats().sampled_ns - MS);
    if (known_ns < used_ns || known_ns > used_ns + used_ns / 1000 + MS)
        dprintf(2, "clock %u: %llu of %llu ns\n", (unsigned)rung,
                (unsigned long long)known_ns, (unsigned long long)used_ns);
    require(known_ns > used_ns - used_ns / 1000);
    require(is_slow() || known_ns < used_ns + used_ns / 1000 + MS);
    decoded_free(&d);
}

static void
all_time_is_in_the_profile_to_a_thousandth(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rungs); i++) {
        rung = rungs[i];
        assert_int_equal(isolate(add_up, 60), 0);
    }
}

static void
count_signal(int number)
{
    /* None comes. */
    require(!number);
}

static void *
sleep_a_while(void *user)
{
    const struct timespec while_ = { 0, 50 * MS };
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (unsigned i = 0; i < 4; i++)
        require(nanosleep(&while_, NULL) == 0);
    return user;
}

static void
observe(void)
{
    const int file = profile_file();
    const vmprof_code_id code = code_named("compute");
    struct sigaction action;
    pthread_t sleeper;
    struct decoded d;
    size_t busy = 0;

    require(begin(file, 0.001));
    /* Not even the library's own handler is needed. */
    memset(&action, 0, sizeof(action));
    action.sa_handler = count_signal;
    require(sigaction(SIGPROF, &action, NULL) == 0);
    require(pthread_create(&sleeper, NULL, sleep_a_while, NULL) == 0);
    vmprof_execute_code_enter(head, code, NULL);
    burn_cpu_ms(300);
    require(pthread_join(sleeper, NULL) == 0);
    finish_profile(file, &d);
    /* Who sleeps is not sampled: a few looks find it at work in between. */
    for (uint32_t i = 0; i < d.thread_count; i++) {
        size_t count = 0;
        for (size_t j = 0; j < d.sample_count; j++)
            count += d.samples[j].thread == i;
        busy += count > 20;
    }
    require(busy == 1);
    require(weight_under(&d, "t:compute:1:") * (double)d.session.number[4] >
            0.25e9);
    decoded_free(&d);
}

static void
cpu_time_is_observed_without_a_signal(void **state)
{
    (void)state;
    rung = VMPROF_CLOCK_OBSERVER;
    assert_int_equal(isolate(observe, 30), 0);
}

/* Without room for timers a thread waits for one, and gets it. */
static void
wait_for_a_timer(void)
{
    struct rlimit limit, none;
    const int file = profile_file();
    struct decoded d;

    if (!begin(file, 0.001))
        return;
    require(vmprof_detach_thread(head) == 0);
    require(getrlimit(RLIMIT_SIGPENDING, &limit) == 0);
    none = limit;
    none.rlim_cur = 0;
    require(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
    require(vmprof_attach_thread(NULL, &head) == 0);
    require(wait_until(profile_stats().clock_retries >= 2, 5000));
    require(profile_stats().clock_failures == 0);
    require(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
    require(burn_until(profile_stats().samples > 10, 10000));
    finish_profile(file, &d);
    require(profile_stats().clock_failures == 0);
    decoded_free(&d);
}

static void
a_timer_that_the_kernel_refuses_is_asked_for_again(void **state)
{
    (void)state;
    rung = VMPROF_CLOCK_MONOTONIC;
    assert_int_equal(isolate(wait_for_a_timer, 60), 0);
    rung = VMPROF_CLOCK_CPU_TIMER;
    assert_int_equal(isolate(wait_for_a_timer, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rung_accounts_for_each_period),
        cmocka_unit_test(
            ticks_that_are_asked_for_sooner_are_no_more_than_is_due),
        cmocka_unit_test(
            each_expiration_has_its_cause_where_a_thread_polls_between_calls),
        cmocka_unit_test(a_sample_whose_signal_was_blocked_says_so),
        cmocka_unit_test(time_in_system_calls_goes_to_who_made_them),
        cmocka_unit_test(a_loop_that_computes_makes_no_system_calls),
        cmocka_unit_test(all_time_is_in_the_profile_to_a_thousandth),
        cmocka_unit_test(cpu_time_is_observed_without_a_signal),
        cmocka_unit_test(a_timer_that_the_kernel_refuses_is_asked_for_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
