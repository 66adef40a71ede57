/* SPDX-License-Identifier: MIT */

/* Threads that come and go as fast as the machine can make them, all of them
 * sampled, and whole accounts afterwards. */
#include "suite.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

#include "profiled.h"
#include "scale.h"

enum {
    MAKERS = 4,
};

static atomic_bool stop;
static vmprof_code_id code;

static void *
live_for_a_moment(void *user)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_execute_code_leave(thread,
                              vmprof_execute_code_enter(thread, code, NULL));
    /* Every other one leaves the detaching to the library. */
    require((uintptr_t)user % 2 || vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void *
make_threads(void *count)
{
    for (uintptr_t i = 0; !atomic_load(&stop); i++) {
        pthread_t thread;

        require(pthread_create(&thread, NULL, live_for_a_moment, (void *)i) ==
                0);
        require(pthread_join(thread, NULL) == 0);
        atomic_fetch_add((atomic_ulong *)count, 1);
    }
    return NULL;
}

static unsigned
count_entries(const char *path)
{
    DIR *const directory = opendir(path);
    unsigned count = 0;

    require(directory != NULL);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void
churn(uint32_t clock, const char *name)
{
    const unsigned seconds = scaled(3, 20);
    const unsigned descriptors = count_entries("/proc/self/fd");
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.0001);
    atomic_ulong count = 0;
    pthread_t makers[MAKERS];
    struct decoded d;
    int64_t begun, end;

    code = code_named("moment");
    options.clock = clock;
    require(vmprof_enable_with(&options) == 0);
    begun = now_ms();
    end = begun + seconds * 1000;
    for (unsigned i = 0; i < MAKERS; i++)
        require(pthread_create(&makers[i], NULL, make_threads, &count) == 0);
    while (now_ms() < end)
        usleep(10000);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < MAKERS; i++)
        require(pthread_join(makers[i], NULL) == 0);
    dprintf(2, "# %s: %lu threads in %.1f s, %.0f a second\n", name,
            atomic_load(&count), (double)(now_ms() - begun) / 1000,
            (double)atomic_load(&count) * 1000 / (double)(now_ms() - begun));
    require(vmprof_disable() == 0);
    require(profile_stats().threads == 0);
    require(profile_stats().clock_failures == 0);
    require(decode_fd(&d, file) == 0 && d.ended);
    require_that_accounts_balance(&d);
    require(d.thread_count == atomic_load(&count));
    decoded_free(&d);
    close(file);
    require(count_entries("/proc/self/fd") == descriptors);
    require(count_entries("/proc/self/task") == 3); /* with "." and ".." */
}

static void
churn_on_the_best_clock(void)
{
    churn(VMPROF_CLOCK_AUTO, "the clock of its choice");
}

static void
churn_on_timers(void)
{
    churn(VMPROF_CLOCK_MONOTONIC, "a timer");
}

static void
threads_by_the_thousand_leave_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(isolate(churn_on_the_best_clock, 120), 0);
    assert_int_equal(isolate(churn_on_timers, 120), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_by_the_thousand_leave_nothing_behind),
    };

    return cmocka_run_group_tests_name("churn", tests, NULL, NULL);
}
