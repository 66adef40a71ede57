/* SPDX-License-Identifier: MIT */

/* Which threads have samples, by which clock. */

#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "common.h"

static atomic_bool stop;

enum {
    RUNNERS = 4,
};

static pid_t runners[RUNNERS];
static pthread_barrier_t all_begun;

/* The last of them sleeps. */
static void *
run_or_sleep(void *number)
{
    const intptr_t i = (intptr_t)number;

    rpython_thread_begins();
    runners[i] = gettid();
    pthread_barrier_wait(&all_begun);
    while (!stop)
        if (i < RUNNERS - 1)
            burn((void *)5);
        else
            usleep(5000);
    return NULL;
}

/* The samples of each runner; returns how many are of others. */
static size_t
count_by_thread(const struct seen *seen, size_t counts[RUNNERS])
{
    size_t others = 0;

    memset(counts, 0, RUNNERS * sizeof(*counts));
    for (size_t i = 0; i < seen->sample_count; i++) {
        int who = 0;

        while (who < RUNNERS &&
               seen->samples[i].thread != (uint64_t)runners[who])
            who++;
        if (who < RUNNERS)
            counts[who]++;
        else
            others++;
    }
    return others;
}

static void
run_threads(int real_time, size_t counts[RUNNERS], uint64_t *periods)
{
    const int fd = memory_file();
    pthread_t threads[RUNNERS];
    struct seen seen;
    int64_t began;

    stop = false;
    rpython_thread_begins();
    require(pthread_barrier_init(&all_begun, NULL, RUNNERS + 1) == 0);
    for (intptr_t i = 0; i < RUNNERS; i++)
        require(pthread_create(&threads[i], NULL, run_or_sleep, (void *)i) ==
                0);
    pthread_barrier_wait(&all_begun);
    begin_session(fd, 0.002, real_time);
    began = now_ms();
    sleep_ms(500);
    stop = true;
    for (int i = 0; i < RUNNERS; i++)
        require(pthread_join(threads[i], NULL) == 0);
    *periods = (uint64_t)(now_ms() - began) / 2;
    end_session(fd, &seen);
    count_by_thread(&seen, counts);
    seen_free(&seen);
}

static void
sample_threads_by_cpu_time(void)
{
    size_t counts[RUNNERS];
    uint64_t periods;

    run_threads(0, counts, &periods);
    for (int i = 0; i < RUNNERS - 1; i++)
        require(counts[i] >= 10);
}

static void
samples_have_the_kernels_ids_of_their_threads(void **state)
{
    (void)state;
    assert_int_equal(isolate(sample_threads_by_cpu_time, 60), 0);
}

static void
sample_threads_in_real_time(void)
{
    size_t counts[RUNNERS];
    uint64_t periods;

    run_threads(1, counts, &periods);
    for (int i = 0; i < RUNNERS; i++)
        require(counts[i] >= 1);
}

/* As vmprof-python asks for it. */
static void
ask_for_native_frames_in_real_time(void)
{
    const int fd = memory_file();

    require(!vmprof_init(fd, 0.002, 0, 0, "pypy", 1, 1));
    require(vmprof_enable(0, 1, 1) == 0);
    require(vmprof_disable() == 0);
    close(fd);
}

static void
in_real_time_native_frames_are_left_out(void **state)
{
    (void)state;
    assert_int_equal(isolate(ask_for_native_frames_in_real_time, 60), 0);
}

static void
in_real_time_every_thread_is_sampled(void **state)
{
    (void)state;
    assert_int_equal(isolate(sample_threads_in_real_time, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_have_the_kernels_ids_of_their_threads),
        cmocka_unit_test(in_real_time_native_frames_are_left_out),
        cmocka_unit_test(in_real_time_every_thread_is_sampled),
    };

    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
