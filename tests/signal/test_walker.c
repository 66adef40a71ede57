/* SPDX-License-Identifier: MIT */

/* VMs that are asked at a tick and answer at a safe point. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "by_hand.h"
#include "format/format.h"
#include "kernel.h"

static struct vmprof_thread *thread;
static volatile sig_atomic_t asked;

#define ASKED ((void *)(uintptr_t)&asked)

static void
request(struct vmprof_thread *whom, void *user)
{
    if (whom == thread && user == &asked)
        asked = 1;
}

static void
attach(void)
{
    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_request_sample(thread, request, ASKED) == 0);
}

static void
tick(void)
{
    tick_by_hand(thread);
}

/* Answer whenever asked, until `count` samples were taken. */
static void
answer(vmprof_code_id code, unsigned count)
{
    const struct vmprof_walked_frame frames[2] = {
        { code, 7, 3, VMPROF_KIND_CODE },
        { 0, 0, 0, VMPROF_KIND_NATIVE },
    };

    while (count) {
        require(burn_until(asked, 5000));
        asked = 0;
        count -= vmprof_sample_stack(thread, frames, 2, 0) == 1;
    }
}

static void
answer_ticks(void)
{
    const int file = profile_file();
    const vmprof_code_id code = code_named("walked");
    struct decoded d;
    uint32_t frames[2];
    size_t i = 9;

    attach();
    require(vmprof_enable(file, 0.0005) == 0);
    answer(code, 50);
    finish_profile(file, &d);
    require(d.sample_count >= 50);
    /* Beside time in the kernel, which has no leaf of the walker's. */
    while (i < d.sample_count &&
           d.frames[d.nodes[d.samples[i].node].frame].kind == VMP_KIND_SYSTEM)
        i++;
    require(i < d.sample_count);
    require(decoded_stack(&d, d.samples[i].node, frames, 2) == 2);
    require(d.frames[frames[0]].code == code);
    require(d.frames[frames[0]].line == 3 && d.frames[frames[0]].offset == 7);
    require(d.frames[frames[1]].code == 0 && d.frames[frames[1]].kind == 7);
}

static void
a_walker_answers_each_request_with_one_sample(void **state)
{
    (void)state;
    assert_int_equal(isolate(answer_ticks, 20), 0);
}

static void
answer_in(vmprof_code_id caller, vmprof_code_id code)
{
    const struct vmprof_walked_frame frames[2] = {
        { caller, 0, 1, VMPROF_KIND_CODE },
        { code, 0, 1, VMPROF_KIND_CODE },
    };

    if (!asked)
        return;
    asked = 0;
    vmprof_sample_stack(thread, frames, 2, 0);
}

/* Returns how long it took. */
static uint64_t
compute_in(vmprof_code_id caller, vmprof_code_id code, uint64_t ns)
{
    const uint64_t start_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    uint64_t now_ns;

    do {
        for (volatile unsigned i = 0; i < 20000; i++)
            ;
        answer_in(caller, code);
        now_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    } while (now_ns - start_ns < ns);
    return now_ns - start_ns;
}

static uint64_t
read_in(vmprof_code_id caller, vmprof_code_id code, uint64_t ns, int zeros)
{
    static char bytes[1 << 16];
    const uint64_t start_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    uint64_t now_ns;

    do {
        require(read(zeros, bytes, sizeof(bytes)) == sizeof(bytes));
        answer_in(caller, code);
        now_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    } while (now_ns - start_ns < ns);
    return now_ns - start_ns;
}

/* Between ticks that find it where it computes, a thread is in the kernel. */
static void
compute_and_read(void)
{
    enum {
        MS = 1000 * 1000,
    };
    const int file = profile_file(),
              zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    const vmprof_code_id whole = code_named("whole"),
                         computes = code_named("computes"),
                         reads = code_named("reads");
    struct vmprof_options options = profile_options(file, 0.001);
    double computed = 0, all = 0, found, truth;
    struct decoded d;

    options.clock = VMPROF_CLOCK_PERF;
    attach();
    if (vmprof_enable_with(&options) < 0)
        return;
    for (unsigned i = 0; i < rounds(200); i++) {
        const double ns = (double)compute_in(whole, computes, 2 * MS);

        computed += ns;
        all += ns + (double)read_in(whole, reads, 5 * MS, zeros);
    }
    close(zeros);
    finish_profile(file, &d);
    truth = computed / all;
    found = weight_under(&d, "t:computes:1:") / weight_under(&d, "t:whole:1:");
    if (fabs(found - truth) > 0.05)
        dprintf(2, "%.4f where %.4f was due\n", found, truth);
    require(is_slow() || fabs(found - truth) < 0.05);
    require(profile_stats().system_ticks > 0);
    decoded_free(&d);
}

static void
what_computes_is_not_charged_with_time_in_the_kernel(void **state)
{
    (void)state;
    assert_int_equal(isolate(compute_and_read, 60), 0);
}

static void
never_answer(void)
{
    const int file = profile_file();
    struct decoded d;

    attach();
    require(vmprof_enable(file, 0.0005) == 0);
    burn_cpu_ms(30);
    finish_profile(file, &d);
    require(asked);
    require(d.sample_count == 0);
    require(profile_stats().expirations > 0);
    require(profile_stats().lost_walker > 0);
    require(profile_stats().lost_walker + profile_stats().lost_overrun ==
            profile_stats().expirations);
}

static void
requests_without_an_answer_are_losses(void **state)
{
    (void)state;
    assert_int_equal(isolate(never_answer, 20), 0);
}

static void
answer_unasked(void)
{
    const struct vmprof_walked_frame frame = { 4, 0, 0, VMPROF_KIND_CODE };
    struct decoded d;
    int file;

    require(vmprof_sample_stack(NULL, &frame, 1, 0) == -ESRCH);
    require(vmprof_request_sample(NULL, request, NULL) == -ESRCH);
    attach();
    require(vmprof_sample_stack(thread, NULL, 1, 0) == -EINVAL);
    require(vmprof_sample_stack(thread, &frame, 1, 0) == 0);
    file = begin_by_hand(thread, 0);
    require(vmprof_sample_stack(thread, &frame, 1, 0) == 0);
    tick();
    require(vmprof_sample_stack(thread, NULL, 0, 3) == 1);
    require(vmprof_sample_stack(thread, &frame, 1, 0) == 0);
    finish_profile(file, &d);
    require(d.sample_count == 1);
    require(d.nodes[d.samples[0].node].frame == 0);
    require(d.stats.number[16] == 1 && d.stats.number[18] == 3);
}

static void
an_answer_that_nobody_asked_for_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(isolate(answer_unasked, 20), 0);
}

static void
change_walkers_meanwhile(void)
{
    struct decoded d;
    int file;

    attach();
    file = begin_by_hand(thread, 0);
    for (unsigned i = 0; i < 10; i++) {
        tick();
        require(vmprof_request_sample(thread, i % 2 ? request : NULL, ASKED) ==
                0);
        stop_clock(thread);
    }
    finish_profile(file, &d);
    require(profile_stats().lost_walker == 5);
    require(d.sample_count == 5);
}

static void
a_request_that_its_walker_leaves_open_is_a_loss(void **state)
{
    (void)state;
    assert_int_equal(isolate(change_walkers_meanwhile, 20), 0);
}

static void
deep_walk(void)
{
    static struct vmprof_walked_frame frames[100];
    struct decoded d;
    uint32_t got[20];
    int file;

    for (unsigned i = 0; i < 100; i++)
        frames[i] = (struct vmprof_walked_frame){ 0, i + 1, 0, 1 };
    attach();
    file = begin_by_hand(thread, 10);
    tick();
    require(vmprof_sample_stack(thread, frames, 100, 5) == 1);
    finish_profile(file, &d);
    require(decoded_stack(&d, d.samples[0].node, got, 20) == 11);
    require(got[0] == 0 && d.frames[got[1]].offset == 91);
    require(d.frames[got[10]].offset == 100);
    require(profile_stats().frames_cut == 95);
}

static void
a_deep_walk_keeps_its_leaf_most_frames(void **state)
{
    (void)state;
    assert_int_equal(isolate(deep_walk, 20), 0);
}

/* Run, sleep, run: in wall mode all of it is someone's. */
static void
sleep_between(void)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    struct lived from, to;
    uint64_t off_cpu = 0;
    struct decoded d;

    attach();
    options.mode = VMPROF_MODE_WALL;
    require(vmprof_enable_with(&options) == 0);
    from = lived_so_far();
    answer(4, 20);
    sleep_ms(300);
    answer(4, 20);
    to = lived_so_far();
    finish_profile(file, &d);
    require_all_that_was_lived(&d, from, to, 1000000);
    for (size_t i = 0; i < d.sample_count; i++)
        if (d.samples[i].state & 1)
            off_cpu += d.samples[i].weight;
    require(off_cpu * d.session.number[4] >= 270000000);
}

static void
in_wall_mode_a_walkers_sleep_is_weighed(void **state)
{
    (void)state;
    assert_int_equal(isolate(sleep_between, 30), 0);
}

/* How often a sleep of less than a second was interrupted. */
static unsigned
interruptions_of(long ms)
{
    struct timespec left = { 0, ms * 1000000 };
    unsigned count = 0;

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        count++;
    return count;
}

/* On the rung that ticks for those who sleep, too. */
static void
be_left_asleep(void)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    struct decoded d;

    options.mode = VMPROF_MODE_WALL;
    require(vmprof_enable_with(&options) == 0);
    vmp_session.rung = VMPROF_CLOCK_MONOTONIC;
    attach();
    for (unsigned i = 0; i < 3; i++) {
        answer(4, 5);
        /* One that was armed before, and one that finds it asleep. */
        require(interruptions_of(200) <= 2);
    }
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
in_wall_mode_a_walkers_sleep_is_not_disturbed(void **state)
{
    (void)state;
    assert_int_equal(isolate(be_left_asleep, 60), 0);
}

/* Back on the shadow stack in wall mode, the observer alone samples. */
static void
walk_then_be_observed(void)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.0005);
    uint64_t total = 0, lived_ns;
    struct decoded d;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    options.mode = VMPROF_MODE_WALL;
    require(vmprof_enable_with(&options) == 0);
    lived_ns = lived_so_far().wall_ns;
    for (unsigned i = 0; i < rounds(40); i++) {
        require(vmprof_request_sample(thread, request, ASKED) == 0);
        answer(4, 2);
        require(vmprof_request_sample(thread, NULL, NULL) == 0);
        burn_cpu_ms(5);
    }
    lived_ns = lived_so_far().wall_ns - lived_ns;
    finish_profile(file, &d);
    for (size_t i = 0; i < d.sample_count; i++)
        total += d.samples[i].weight;
    require(total <= d.end_time + 100);
    require(total * d.session.number[4] >= lived_ns / 10 * (is_slow() ? 5 : 9));
}

static void
a_thread_without_its_walker_is_observed_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(isolate(walk_then_be_observed, 30), 0);
}

static atomic_bool answering;

static void *
answer_until_told(void *user)
{
    (void)user;
    attach();
    while (atomic_load(&answering)) {
        if (asked) {
            asked = 0;
            vmprof_sample_stack(thread, NULL, 0, 0);
        }
    }
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

/* Answers fall before, into and behind each disabling. */
static void
disable_while_answering(void)
{
    pthread_t other;
    struct decoded d;

    atomic_store(&answering, true);
    require(pthread_create(&other, NULL, answer_until_told, NULL) == 0);
    for (unsigned i = 0; i < rounds(60); i++) {
        const int file = profile_file();

        require(vmprof_enable(file, 0.0001) == 0);
        usleep(3000);
        finish_profile(file, &d);
        decoded_free(&d);
    }
    atomic_store(&answering, false);
    pthread_join(other, NULL);
}

static void
accounts_balance_however_an_answer_meets_the_end(void **state)
{
    (void)state;
    assert_int_equal(isolate(disable_while_answering, 60), 0);
}

static void
answer_while_paused(void)
{
    struct decoded d;
    int file;

    attach();
    file = begin_by_hand(thread, 0);
    tick();
    require(vmprof_pause() == 1);
    require(vmprof_sample_stack(thread, NULL, 0, 0) == 0);
    require(vmprof_resume() == 0);
    finish_profile(file, &d);
    require(d.sample_count == 0);
    require(profile_stats().lost_walker == 1);
}

static void
a_pause_takes_no_answer(void **state)
{
    (void)state;
    assert_int_equal(isolate(answer_while_paused, 20), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walker_answers_each_request_with_one_sample),
        cmocka_unit_test(what_computes_is_not_charged_with_time_in_the_kernel),
        cmocka_unit_test(requests_without_an_answer_are_losses),
        cmocka_unit_test(an_answer_that_nobody_asked_for_does_nothing),
        cmocka_unit_test(a_request_that_its_walker_leaves_open_is_a_loss),
        cmocka_unit_test(a_deep_walk_keeps_its_leaf_most_frames),
        cmocka_unit_test(in_wall_mode_a_walkers_sleep_is_weighed),
        cmocka_unit_test(in_wall_mode_a_walkers_sleep_is_not_disturbed),
        cmocka_unit_test(
            a_thread_without_its_walker_is_observed_and_nothing_else),
        cmocka_unit_test(accounts_balance_however_an_answer_meets_the_end),
        cmocka_unit_test(a_pause_takes_no_answer),
    };

    return cmocka_run_group_tests_name("walker", tests, NULL, NULL);
}
