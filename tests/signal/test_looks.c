/* SPDX-License-Identifier: MIT */

/* Threads on perf's clock that are much in the kernel, where it does not tick: the
 * observer looks at them, beside their own ticks. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "profiled.h"
#include "record/signal/rest.h"
#include "record/thread.h"

enum {
    MS = 1000 * 1000,
};

static struct vmprof_thread *head;
static struct vmp_thread *record;
static atomic_bool stopping;

static uint64_t
cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* False if the machine has no such clock. */
static bool
begin(int file, uint32_t clock, double interval)
{
    struct vmprof_options options = profile_options(file, interval);
    int r;

    options.clock = clock;
    require(vmprof_attach_thread(NULL, &head) == 0);
    record = (struct vmp_thread *)head;
    r = vmprof_enable_with(&options);
    require(r == 0 || r == -ENOTSUP);
    return r == 0;
}

/* Each reading of the clock is a system call. */
static uint64_t
call_kernel(vmprof_code_id code, uint64_t ns)
{
    const vmprof_token token = vmprof_execute_code_enter(head, code, NULL);
    const uint64_t start_ns = cpu_ns();
    uint64_t now_ns;

    do
        now_ns = cpu_ns();
    while (now_ns - start_ns < ns);
    vmprof_execute_code_leave(head, token);
    return now_ns - start_ns;
}

/* Far apart from one reading of the clock to the next. */
static uint64_t
compute(vmprof_code_id code, uint64_t ns)
{
    const vmprof_token token = vmprof_execute_code_enter(head, code, NULL);
    const uint64_t start_ns = cpu_ns();
    uint64_t now_ns;

    do {
        for (volatile unsigned i = 0; i < 100000; i++)
            ;
        now_ns = cpu_ns();
    } while (now_ns - start_ns < ns);
    vmprof_execute_code_leave(head, token);
    return now_ns - start_ns;
}

static double
share_of(const struct decoded *d, const char *name)
{
    uint64_t found = 0, all = 0;

    for (size_t i = 0; i < d->sample_count; i++) {
        uint32_t frames[10];
        const size_t depth =
            decoded_stack(d, d->samples[i].node, frames, LENGTH(frames));

        all += d->samples[i].weight;
        for (size_t j = 0; j < depth; j++) {
            const char *const other =
                decoded_name(d, d->frames[frames[j]].code);

            if (other && !strcmp(other, name))
                found += d->samples[i].weight;
        }
    }
    return (double)found / (double)all;
}

/* Calls of little more than a period, each of which lies between two ticks. */
static void
call_briefly(void)
{
    const int file = profile_file();
    const vmprof_code_id brief = code_named("brief"),
                         other = code_named("other");
    double truth, found, in_brief = 0, in_other = 0;
    struct decoded d;

    if (!begin(file, VMPROF_CLOCK_PERF, 0.001))
        return;
    for (unsigned i = 0; i < rounds(500); i++) {
        in_brief += (double)call_kernel(brief, 3 * MS / 2);
        in_other += (double)compute(other, 3 * MS);
    }
    finish_profile(file, &d);
    truth = in_brief / (in_brief + in_other);
    found = share_of(&d, "t:brief:1:");
    /* Without looks it is a tenth of that; on a busy machine they come late. */
    if (found < truth * 0.6 || found > truth + 0.06)
        dprintf(2, "%.4f where %.4f was due\n", found, truth);
    require(is_slow() || (found > truth * 0.6 && found < truth + 0.06));
    decoded_free(&d);
}

static void
brief_calls_that_live_in_the_kernel_have_their_time(void **state)
{
    (void)state;
    assert_int_equal(isolate(call_briefly, 60), 0);
}

static bool
has_looks(void)
{
    return atomic_load(&record->looks) != VMP_LOOKS_NONE;
}

static bool
works_until(uint64_t (*work)(vmprof_code_id code, uint64_t ns), bool looks)
{
    const vmprof_code_id code = code_named("work");

    for (unsigned i = 0; i < 5000 && has_looks() != looks; i++)
        work(code, MS);
    return has_looks() == looks;
}

static void
begin_and_end_looks(void)
{
    const struct timespec moment = { 0, 500 * MS };
    const int file = profile_file();
    struct decoded d;

    if (!begin(file, VMPROF_CLOCK_PERF, 0.001))
        return;
    require(works_until(call_kernel, true));
    require(works_until(compute, false));
    require(works_until(call_kernel, true));
    nanosleep(&moment, NULL);
    require(wait_until(!has_looks(), 5000));
    require(works_until(call_kernel, true));
    finish_profile(file, &d);
    require(profile_stats().system_ticks > 0);
    decoded_free(&d);
}

static void
looks_end_where_a_thread_computes_or_sleeps(void **state)
{
    (void)state;
    assert_int_equal(isolate(begin_and_end_looks, 60), 0);
}

/* As where /proc is not to be had. */
static void
go_blind(void)
{
    const int file = profile_file();
    uint64_t ticks;
    struct decoded d;

    if (!begin(file, VMPROF_CLOCK_PERF, 0.001))
        return;
    require(works_until(call_kernel, true));
    require(wait_until(atomic_load(&vmp_rest.is_looked_at), 5000));
    /* It says what it can when it begins. */
    call_kernel(code_named("work"), 200 * (uint64_t)MS);
    atomic_store(&vmp_rest.is_blind, true);
    require(works_until(call_kernel, false));
    ticks = profile_stats().system_ticks;
    call_kernel(code_named("work"), 200 * (uint64_t)MS);
    require(!has_looks());
    require(profile_stats().system_ticks > ticks);
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
who_cannot_tell_a_blocked_tick_looks_at_nobody(void **state)
{
    (void)state;
    assert_int_equal(isolate(go_blind, 60), 0);
}

/* As if the observer were at work for long. */
static void
meet_a_look(void)
{
    const int file = profile_file();
    const vmprof_code_id code = code_named("work");
    uint64_t samples, used_ns;
    struct decoded d;

    require(begin(file, VMPROF_CLOCK_CPU_TIMER, 0.001));
    used_ns = cpu_ns();
    require(burn_until(profile_stats().samples > 5, 5000));
    atomic_store(&record->looks, VMP_LOOKS_ON);
    samples = profile_stats().samples;
    while (__atomic_load_n(&record->met_looks, __ATOMIC_RELAXED) < 5)
        compute(code, MS);
    require(profile_stats().samples == samples);
    atomic_store(&record->looks, VMP_LOOKS_WANTED);
    require(burn_until(profile_stats().samples > samples + 5, 5000));
    require(!has_looks()); /* this clock ticks in the kernel, too */
    used_ns = cpu_ns() - used_ns;
    finish_profile(file, &d);
    require(profile_stats().lost_overrun >= 5);
    require(profile_stats().lost_busy == 0);
    require(profile_stats().sampled_ns > used_ns - 20 * MS);
    decoded_free(&d);
}

static void
a_tick_that_meets_a_look_is_merged_into_the_next(void **state)
{
    (void)state;
    assert_int_equal(isolate(meet_a_look, 60), 0);
}

static void *
call_on_and_on(void *user)
{
    const vmprof_code_id *const code = user;
    struct vmprof_thread *own;

    require(vmprof_attach_thread(NULL, &own) == 0);
    while (!atomic_load(&stopping)) {
        const vmprof_token token = vmprof_execute_code_enter(own, *code, NULL);

        for (unsigned i = 0; i < 500; i++)
            cpu_ns();
        vmprof_execute_code_leave(own, token);
    }
    require(vmprof_detach_thread(own) == 0);
    return NULL;
}

/* Long enough for the writer's thread to start the observer, or too short. */
static void
begin_and_end_sessions(void)
{
    vmprof_code_id code = code_named("work");
    pthread_t threads[2];

    for (unsigned i = 0; i < 2; i++)
        require(pthread_create(&threads[i], NULL, call_on_and_on, &code) == 0);
    for (unsigned i = 0; i < rounds(40); i++) {
        const struct timespec moment = { 0, (long)(i % 8) * 20 * MS };
        const int file = profile_file();
        struct vmprof_options options = profile_options(file, 0.0002);
        struct decoded d;
        int r;

        options.clock = VMPROF_CLOCK_PERF;
        r = vmprof_enable_with(&options);
        require(r == 0 || r == -ENOTSUP);
        if (r < 0)
            break;
        nanosleep(&moment, NULL);
        finish_profile(file, &d);
        decoded_free(&d);
    }
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void
sessions_end_in_the_middle_of_looks(void **state)
{
    (void)state;
    assert_int_equal(isolate(begin_and_end_sessions, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brief_calls_that_live_in_the_kernel_have_their_time),
        cmocka_unit_test(looks_end_where_a_thread_computes_or_sleeps),
        cmocka_unit_test(who_cannot_tell_a_blocked_tick_looks_at_nobody),
        cmocka_unit_test(a_tick_that_meets_a_look_is_merged_into_the_next),
        cmocka_unit_test(sessions_end_in_the_middle_of_looks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
