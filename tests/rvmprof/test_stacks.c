/* SPDX-License-Identifier: MIT */

/* Stacks that switch, are deep, or change while a sample is due. */

#include "suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "codemap.h"
#include "common.h"
#include "stacklet.h"

enum {
    DEEP = 5000,
    SWITCHES_PER_S = 10000,
};

/* While a codemap changes, what is due is lost; the next sample has its time. */
static void
lose_samples(void)
{
    const int fd = memory_file();
    struct timespec from, to;
    struct accounts a;
    struct seen seen;

    rpython_thread_begins();
    begin_session(fd, 0.001, 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    vmprof_ignore_signals(1);
    vmprof_ignore_signals(1);
    burn((void *)20);
    vmprof_ignore_signals(0);
    burn((void *)20);
    require(accounts().samples == 0 && accounts().lost_switching >= 10);
    vmprof_ignore_signals(0);
    while (accounts().samples < 3)
        burn((void *)1);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    end_session(fd, &seen);
    a = accounts();
    require(a.sampled_ns + 5000000 >=
            (uint64_t)((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec -
                       from.tv_nsec));
    seen_free(&seen);
}

static void
what_is_lost_is_counted_and_no_time_is(void **state)
{
    (void)state;
    assert_int_equal(isolate(lose_samples, 60), 0);
}

static struct stacklet *other;
static uint64_t switches;
static atomic_bool stop;

static void
switch_away(void *unused)
{
    (void)unused;
    for (volatile int i = 0; i < 2000; i++)
        ;
    switches++;
    stacklet_switch(NULL);
}

static void
switch_for_ever(void *unused)
{
    (void)unused;
    while (!stop)
        switch_away(NULL);
}

static void
call_inner(void *uid)
{
    pypy_g___vmprof_eval_vmprof((intptr_t)uid, switch_for_ever, NULL);
}

static Signed codes[4];

static void
begin_in_stacklet(void *unused)
{
    (void)unused;
    pypy_g___vmprof_eval_vmprof(codes[2], call_inner, (void *)codes[3]);
}

static void
switch_to_other(void *unused)
{
    (void)unused;
    for (volatile int i = 0; i < 2000; i++)
        ;
    switches++;
    stacklet_switch(other);
}

/* The one is in compiled code when it switches, the other interprets. */
static void
switch_from_trace(void *unused)
{
    const int64_t end = now_ms() + 1000;
    struct jit_trace trace;

    (void)unused;
    jit_begin(&trace, codes[1]);
    jit_call(&trace, switch_to_other, NULL);
    jit_end(&trace);
    while (now_ms() < end)
        jit_run(&trace);
    stop = true;
    jit_run(&trace);
    jit_free(&trace);
}

static void
require_whole_stacks(const struct seen *seen)
{
    size_t whole = 0;

    for (size_t i = 0; i < seen->sample_count; i++) {
        const char *const text = stack_text(seen, &seen->samples[i]);
        const bool is_one =
            !strcmp(text, "[traced] main") || !strcmp(text, "main");
        const bool is_other =
            !strcmp(text, "inner outer") || !strcmp(text, "outer");

        if (!is_one && !is_other && text[0])
            dprintf(2, "\"%s\"\n", text);
        require(is_one || is_other || !text[0]);
        whole += is_one || is_other;
    }
    require(whole * 10 >= seen->sample_count * 9);
}

static void
switch_often(void)
{
    static const char *const names[] = { "main", "traced", "outer", "inner" };
    const int fd = memory_file();
    struct timespec from, to;
    struct seen seen;
    uint64_t used_ns;

    stop = false;
    rpython_thread_begins();
    for (int i = 0; i < 4; i++)
        codes[i] = rpython_register(names[i]);
    begin_session(fd, 0.0005, 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    other = stacklet_new(begin_in_stacklet, NULL);
    pypy_g___vmprof_eval_vmprof(codes[0], switch_from_trace, NULL);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    end_session(fd, &seen);
    stacklet_free(other);
    used_ns = (uint64_t)((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec -
                         from.tv_nsec);
    require(is_slow() || switches >= SWITCHES_PER_S * used_ns / 1000000000);
    require(seen.sample_count >= 20);
    require_whole_stacks(&seen);
    seen_free(&seen);
}

static void
ten_thousand_stacklet_switches_a_second_leave_whole_stacks(void **state)
{
    (void)state;
    assert_int_equal(isolate(switch_often, 60), 0);
}

static void
descend(void *left)
{
    const intptr_t depth = (intptr_t)left;

    if (depth == 0)
        burn((void *)30);
    else
        pypy_g___vmprof_eval_vmprof(codes[depth % 4], descend,
                                    (void *)(depth - 1));
}

static void
sample_deep_stack(void)
{
    static const char *const names[] = { "d0", "d1", "d2", "d3" };
    const int fd = memory_file();
    uint64_t ids[4];
    struct seen seen;
    size_t whole = 0;

    rpython_thread_begins();
    for (int i = 0; i < 4; i++)
        codes[i] = rpython_register(names[i]);
    begin_session(fd, 0.001, 0);
    descend((void *)DEEP);
    end_session(fd, &seen);
    require(accounts().frames_cut == 0);
    for (int i = 0; i < 4; i++)
        ids[i] = seen_id(&seen, names[i]);
    for (size_t i = 0; i < seen.sample_count; i++) {
        const struct seen_sample *const sample = &seen.samples[i];

        whole += sample->depth == 2 * DEEP;
        for (size_t k = 0; sample->depth == 2 * DEEP && k < DEEP; k++)
            require(sample->words[2 * k + 1] == ids[(k + 1) % 4]);
    }
    require(whole >= 5);
    seen_free(&seen);
}

static void
calls_five_thousand_deep_are_all_in_the_sample(void **state)
{
    (void)state;
    assert_int_equal(isolate(sample_deep_stack, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_lost_is_counted_and_no_time_is),
        cmocka_unit_test(
            ten_thousand_stacklet_switches_a_second_leave_whole_stacks),
        cmocka_unit_test(calls_five_thousand_deep_are_all_in_the_sample),
    };

    return cmocka_run_group_tests_name("stacks", tests, NULL, NULL);
}
