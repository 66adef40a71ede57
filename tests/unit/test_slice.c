/* SPDX-License-Identifier: MIT */

/* A thread that wakes up for a moment, and has a CPU at once. */

#include "suite.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "isolate.h"
#include "os/clock.h"
#include "os/slice.h"

enum {
    MS = 1000 * 1000,
    WAKES = 200,
    TRIES = 5,
    NOT_ROOT = 77,
};

/* By their numbers: musl's functions of these names refuse. */
static void
nothing_else_changes(void)
{
    require(setpriority(PRIO_PROCESS, 0, 3) == 0);
    require(vmp_slice_shorten() == 0);
    require(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
    require(getpriority(PRIO_PROCESS, 0) == 3);
}

static void
no_policy_and_no_priority_is_changed(void **state)
{
    (void)state;
    assert_int_equal(isolate(nothing_else_changes, 60), 0);
}

static void
a_real_time_thread_stays_one(void)
{
    const struct sched_param priority = { .sched_priority = 1 };

    if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &priority) < 0)
        _exit(NOT_ROOT);
    require(vmp_slice_shorten() == -ENOTSUP);
    require(syscall(SYS_sched_getscheduler, 0) == SCHED_FIFO);
}

static void
who_is_scheduled_otherwise_is_left_alone(void **state)
{
    const int status = isolate(a_real_time_thread_stays_one, 60);

    (void)state;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ROOT)
        skip_because("only root has real-time threads");
    assert_int_equal(status, 0);
}

static bool
has_slices(void)
{
    struct utsname kernel;
    char *rest;
    long major;

    uname(&kernel);
    major = strtol(kernel.release, &rest, 10);
    return major > 6 || (major == 6 && strtol(rest + 1, NULL, 10) >= 12);
}

static int
compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* How late a thread goes on after a sleep, in the worst tenth of cases. */
static uint64_t
late_ns(void)
{
    const struct timespec nap = { 0, MS };
    uint64_t late[WAKES];

    for (unsigned i = 0; i < WAKES; i++) {
        const uint64_t start_ns = vmp_now_ns(CLOCK_MONOTONIC);

        nanosleep(&nap, NULL);
        late[i] = vmp_now_ns(CLOCK_MONOTONIC) - start_ns - MS;
    }
    qsort(late, WAKES, sizeof(*late), compare);
    return late[WAKES * 9 / 10];
}

/* One that sleeps has as much right to the CPU as who wakes up beside it. */
static _Noreturn void
sleep_and_work(void)
{
    const struct timespec nap = { 0, 4 * MS };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        const uint64_t start_ns = vmp_now_ns(CLOCK_MONOTONIC);

        while (vmp_now_ns(CLOCK_MONOTONIC) - start_ns < 4 * MS)
            continue;
        nanosleep(&nap, NULL);
    }
}

/* On one CPU beside a process that does so. */
static void
measure_beside_another(void)
{
    cpu_set_t first;
    uint64_t before_ns = 0, after_ns = 0;
    pid_t other;

    CPU_ZERO(&first);
    CPU_SET((unsigned)sched_getcpu(), &first);
    require(sched_setaffinity(0, sizeof(first), &first) == 0);
    other = fork();
    require(other >= 0);
    if (other == 0)
        sleep_and_work();
    before_ns = late_ns();
    require(vmp_slice_shorten() == 0);
    for (unsigned i = 0; i < TRIES; i++) {
        after_ns = late_ns();
        if (after_ns < MS)
            break;
    }
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    print_message("# late by %.2f ms before, %.2f after\n",
                  (double)before_ns / MS, (double)after_ns / MS);
    require(after_ns < MS);
}

static void
it_does_not_wait_for_another_to_end_its_slice(void **state)
{
    (void)state;
    if (!has_slices())
        skip_because("threads have slices of their own from Linux 6.12 on");
    assert_int_equal(isolate(measure_beside_another, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_policy_and_no_priority_is_changed),
        cmocka_unit_test(who_is_scheduled_otherwise_is_left_alone),
        cmocka_unit_test(it_does_not_wait_for_another_to_end_its_slice),
    };

    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
