/* SPDX-License-Identifier: MIT */

/* Threads come and go while they are sampled. */

#include "suite.h"

#include <pthread.h>
#include <string.h>

#include "descriptors.h"
#include "profiled.h"

enum {
    CROWD = 64,
};

static vmprof_code_id code;
static pthread_barrier_t barrier;

static void *
burn(void *ms)
{
    struct vmprof_thread *thread;
    vmprof_token token;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    token = vmprof_execute_code_enter(thread, code, NULL);
    burn_cpu_ms((unsigned)(uintptr_t)ms);
    vmprof_execute_code_leave(thread, token);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void *
burn_without_detaching(void *ms)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_execute_code_enter(thread, code, NULL);
    burn_cpu_ms((unsigned)(uintptr_t)ms);
    return NULL;
}

static void *
burn_together(void *ms)
{
    pthread_barrier_wait(&barrier);
    return burn(ms);
}

static void
run_and_join(pthread_t *threads, unsigned count, void *(*body)(void *),
             uintptr_t ms)
{
    for (unsigned i = 0; i < count; i++)
        require(pthread_create(&threads[i], NULL, body, (void *)ms) == 0);
    for (unsigned i = 0; i < count; i++)
        require(pthread_join(threads[i], NULL) == 0);
}

/* Each thread's weights and its CPU time are the same but for its ends. */
static void
require_weights(const struct decoded *d, size_t count, uint64_t ms)
{
    const uint64_t unit = d->session.number[4];

    require(d->thread_count == count);
    for (uint32_t i = 0; i < count; i++) {
        const struct decoded_fields *const fields = &d->threads[i].fields;

        require(fields->number[8] > fields->number[6]);
        require(fields->number[10] * unit >= ms * 1000000 / 10 * 9);
        require(total_weight(d, i) <= fields->number[10] + 3);
        require(total_weight(d, i) >= fields->number[10] / 2);
    }
}

static void
late_and_early(void)
{
    const int file = profile_file();
    pthread_t threads[8];
    struct decoded d;

    code = code_named("late");
    require(vmprof_enable(file, 0.001) == 0);
    run_and_join(threads, 4, burn, 30);
    run_and_join(threads, 4, burn_without_detaching, 30);
    require(profile_stats().threads == 0);
    finish_profile(file, &d);
    require_weights(&d, 8, 30);
    decoded_free(&d);
}

static void
threads_that_attach_late_or_never_detach_are_sampled_whole(void **state)
{
    (void)state;
    assert_int_equal(isolate(late_and_early, 30), 0);
}

static void
crowd(void)
{
    const int file = profile_file();
    pthread_t threads[CROWD];
    struct decoded d;

    code = code_named("crowd");
    pthread_barrier_init(&barrier, NULL, CROWD);
    require(vmprof_enable(file, 0.001) == 0);
    run_and_join(threads, CROWD, burn_together, 20);
    finish_profile(file, &d);
    require_weights(&d, CROWD, 20);
    decoded_free(&d);
}

static void
sixty_four_threads_are_sampled_at_once(void **state)
{
    (void)state;
    assert_int_equal(isolate(crowd, 60), 0);
}

static unsigned
count_mappings(void)
{
    FILE *const maps = fopen("/proc/self/maps", "r");
    unsigned count = 0;
    int c;

    require(maps);
    while ((c = getc(maps)) != EOF)
        count += c == '\n';
    fclose(maps);
    return count;
}

/* Timers of this process, which no descriptor shows. */
static unsigned
count_timers(void)
{
    FILE *const timers = fopen("/proc/self/timers", "r");
    char line[200];
    unsigned count = 0;

    while (timers && fgets(line, sizeof(line), timers))
        count += strncmp(line, "ID:", 3) == 0;
    if (timers)
        fclose(timers);
    return count;
}

static void *
come_and_go(void *user)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_execute_code_enter(thread, code, NULL);
    if (user)
        require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
churn_with(uint32_t mode, uint32_t clock)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    pthread_t threads[8];
    unsigned descriptors = 0, mappings = 0, timers = 0;
    struct decoded d;

    options.mode = mode;
    options.clock = clock;
    for (unsigned round = 0; round < 2; round++) {
        require(ftruncate(file, 0) == 0);
        require(lseek(file, 0, SEEK_SET) == 0);
        require(vmprof_enable_with(&options) == 0);
        for (unsigned i = 0; i < rounds(200); i++)
            run_and_join(threads, 8, come_and_go, i % 2);
        require(vmprof_disable() == 0);
        if (!round) {
            descriptors = open_descriptors();
            mappings = count_mappings();
            timers = count_timers();
        }
    }
    require(open_descriptors() == descriptors);
    require(count_timers() == timers && timers == 0);
    require(count_mappings() <= mappings + 30);
    require(decode_fd(&d, file) == 0 && d.ended);
    require_that_accounts_balance(&d);
    require(d.thread_count == 8 * rounds(200));
    decoded_free(&d);
}

static void
churn_by_signal(void)
{
    code = code_named("churn");
    churn_with(VMPROF_MODE_CPU, VMPROF_CLOCK_AUTO);
    churn_with(VMPROF_MODE_CPU, VMPROF_CLOCK_MONOTONIC);
}

static void
churn_observed(void)
{
    code = code_named("churn");
    churn_with(VMPROF_MODE_WALL, VMPROF_CLOCK_AUTO);
}

static void
thousands_of_threads_leave_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(isolate(churn_by_signal, 60), 0);
    assert_int_equal(isolate(churn_observed, 60), 0);
}

static void
long_run(void)
{
    const int file = profile_file();
    pthread_t threads[2];
    struct decoded d;

    code = code_named("long");
    require(vmprof_enable(file, 0.001) == 0);
    run_and_join(threads, 2, burn, 300);
    finish_profile(file, &d);
    for (uint32_t i = 0; i < 2; i++) {
        const uint64_t cpu = d.threads[i].fields.number[10];

        require(total_weight(&d, i) <= cpu + 3);
        require(total_weight(&d, i) >= cpu / 100 * 99);
    }
    decoded_free(&d);
}

static void
weights_are_the_threads_cpu_time_to_one_percent(void **state)
{
    (void)state;
    assert_int_equal(isolate(long_run, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            threads_that_attach_late_or_never_detach_are_sampled_whole),
        cmocka_unit_test(sixty_four_threads_are_sampled_at_once),
        cmocka_unit_test(thousands_of_threads_leave_nothing_behind),
        cmocka_unit_test(weights_are_the_threads_cpu_time_to_one_percent),
    };

    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
