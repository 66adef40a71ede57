/* SPDX-License-Identifier: MIT */

/* What samples weigh is the CPU time that threads used, however many they are
 * and however often it is measured. */
#include "suite.h"

#include <math.h>
#include <pthread.h>

#include "profiled.h"
#include "scale.h"

enum {
    MOST_THREADS = 16,
    USED_MS = 40, /* by each thread */
};

static vmprof_code_id code;

static uint64_t
cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *
use_time(void *used_ns)
{
    struct vmprof_thread *thread;
    uint64_t begun;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    begun = cpu_ns();
    vmprof_execute_code_enter(thread, code, NULL);
    burn_cpu_ms(USED_MS);
    *(uint64_t *)used_ns = cpu_ns() - begun;
    return NULL;
}

/* The weight of all samples over the time that was used. */
static double
delivered(unsigned count)
{
    const int file = profile_file();
    pthread_t threads[MOST_THREADS];
    uint64_t used[MOST_THREADS], all = 0;
    struct decoded d;

    require(vmprof_enable(file, 0.0005) == 0);
    for (unsigned i = 0; i < count; i++)
        require(pthread_create(&threads[i], NULL, use_time, &used[i]) == 0);
    for (unsigned i = 0; i < count; i++) {
        require(pthread_join(threads[i], NULL) == 0);
        all += used[i];
    }
    finish_profile(file, &d);
    decoded_free(&d);
    return (double)profile_stats().sampled_ns / (double)all;
}

static unsigned thread_count;

static void
deliver_again_and_again(void)
{
    const unsigned times = scaled(10, 50);
    double sum = 0, squares = 0, mean, variation;

    code = code_named("weight");
    for (unsigned i = 0; i < times; i++) {
        const double share = delivered(thread_count);

        sum += share;
        squares += share * share;
    }
    mean = sum / times;
    variation = sqrt(fmax(0, squares / times - mean * mean)) / mean;
    dprintf(2, "# %u threads, %u times: %.3f %% delivered, variation %.5f\n",
            thread_count, times, 100 * mean, variation);
    require(mean > 0.99 && mean < 1.01);
    require(variation < 0.02);
}

static void
all_time_is_delivered_and_nearly_the_same_each_time(void **state)
{
    (void)state;
    for (thread_count = 1; thread_count <= MOST_THREADS; thread_count *= 4)
        assert_int_equal(isolate(deliver_again_and_again, 300), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_time_is_delivered_and_nearly_the_same_each_time),
    };

    return cmocka_run_group_tests_name("weight", tests, NULL, NULL);
}
