/* SPDX-License-Identifier: MIT */

/* What went wrong with the C that RPython came with; each is a test. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codemap.h"
#include "common.h"
#include "stacklet.h"

enum {
    FORKS = 60,
    SESSIONS = 60,
    DEEP = 5000,
    LONG_NAME = 5000,
    SWITCHES_PER_S = 10000,
};

static atomic_bool stop;

static void *
compile_and_register(void *number)
{
    const Signed uid = rpython_register("background");
    char name[64];

    rpython_thread_begins();
    for (unsigned i = 0; !stop; i++) {
        struct jit_trace trace;

        jit_begin(&trace, uid);
        jit_spin(&trace, 5000);
        jit_end(&trace);
        jit_run(&trace);
        jit_free(&trace);
        snprintf(name, sizeof(name), "t%ld_%u", (long)(intptr_t)number, i % 50);
        rpython_register(name);
    }
    return NULL;
}

static void
start_threads(pthread_t threads[2], void *(*run)(void *))
{
    stop = false;
    for (intptr_t i = 0; i < 2; i++)
        require(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
}

static void
join_threads(const pthread_t threads[2])
{
    stop = true;
    for (int i = 0; i < 2; i++)
        require(pthread_join(threads[i], NULL) == 0);
}

/* The VM there thinks that profiling is enabled, and disables it. */
static void
live_on_in_child(void)
{
    const int fd = memory_file();
    struct jit_trace trace;
    struct seen seen;

    alarm(patience(30));
    jit_begin(&trace, rpython_register("child"));
    jit_call(&trace, burn, (void *)1);
    jit_end(&trace);
    pypy_g___vmprof_eval_vmprof(rpython_register("more"), burn, (void *)1);
    vmprof_stop_sampling();
    vmprof_start_sampling();
    require(vmprof_disable() == 0);
    require(vmprof_disable() == -1 && errno == EALREADY);
    begin_session(fd, 0.0005, 0);
    do
        jit_run(&trace);
    while (accounts().samples < 3);
    end_session(fd, &seen);
    require(seen.samples[0].thread == (uint64_t)getpid());
    _exit(0);
}

static pid_t
fork_with_gil(void)
{
    pid_t child;

    rpy_gil_acquire();
    child = fork();
    rpy_gil_release();
    return child;
}

static void
fork_while_profiling(void)
{
    const int fd = memory_file();
    pthread_t threads[2];
    struct seen seen;

    rpython_thread_begins();
    begin_session(fd, 0.0005, 0);
    start_threads(threads, compile_and_register);
    for (unsigned i = 0; i < rounds(FORKS); i++) {
        const pid_t child = fork_with_gil();
        int status;

        if (child == 0)
            live_on_in_child();
        require(child > 0);
        while (waitpid(child, &status, 0) != child)
            require(errno == EINTR);
        require(status == 0);
    }
    join_threads(threads);
    end_session(fd, &seen);
    require(seen.sample_count > 0);
    seen_free(&seen);
}

static void *
burn_until_stopped(void *unused)
{
    rpython_thread_begins();
    while (!stop)
        burn((void *)1);
    return unused;
}

/* Which never ends there. */
static void
fork_while_a_handler_looks(void)
{
    const int fd = memory_file();
    pthread_t threads[2];
    struct seen seen;
    pid_t child;
    int status;

    rpython_thread_begins();
    begin_session(fd, 0.0005, 0);
    start_threads(threads, burn_until_stopped);
    vm_looks.hold = true;
    require(wait_until(vm_looks.held, 10000));
    child = fork_with_gil();
    if (child == 0)
        live_on_in_child();
    while (waitpid(child, &status, 0) != child)
        require(errno == EINTR);
    require(status == 0);
    vm_looks.hold = false;
    join_threads(threads);
    end_session(fd, &seen);
    seen_free(&seen);
}

static void
nor_does_it_wait_for_handlers_of_its_parents_threads(void **state)
{
    (void)state;
    assert_int_equal(isolate(fork_while_a_handler_looks, 60), 0);
}

static void
a_process_that_is_forked_while_profiling_lives_on(void **state)
{
    (void)state;
    assert_int_equal(isolate(fork_while_profiling, 120), 0);
}

static void
disable_while_registering(void)
{
    pthread_t threads[2];

    rpython_thread_begins();
    start_threads(threads, compile_and_register);
    for (unsigned i = 0; i < rounds(SESSIONS); i++) {
        const int fd = memory_file();
        struct seen seen;

        begin_session(fd, 0.0005, 0);
        burn((void *)2);
        end_session(fd, &seen);
        seen_free(&seen);
        close(fd);
    }
    join_threads(threads);
}

static void
profiling_ends_while_codes_are_registered(void **state)
{
    (void)state;
    assert_int_equal(isolate(disable_while_registering, 60), 0);
}

static int
blocked_pipe(void)
{
    char junk[4096] = { 0 };
    int ends[2];

    require(pipe(ends) == 0);
    require(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    while (write(ends[1], junk, sizeof(junk)) > 0)
        ;
    require(fcntl(ends[1], F_SETFL, 0) == 0);
    return ends[1];
}

static void
write_to_blocked_pipe(void)
{
    const int fd = blocked_pipe();
    const int64_t began = now_ms();

    rpython_thread_begins();
    begin_session(fd, 0.0005, 0);
    for (int i = 0; i < 200; i++) {
        char name[32];

        snprintf(name, sizeof(name), "f%d", i);
        pypy_g___vmprof_eval_vmprof(rpython_register(name), burn, (void *)1);
        require(vmprof_stop_sampling() == fd);
        vmprof_start_sampling();
    }
    require(accounts().samples >= 50);
    require(vmprof_disable() == -1 && errno == ETIMEDOUT);
    require(now_ms() - began < (int64_t)patience(20000));
    require(accounts().write_error == ETIMEDOUT);
}

static void
a_pipe_that_nobody_reads_does_not_freeze_the_program(void **state)
{
    (void)state;
    assert_int_equal(isolate(write_to_blocked_pipe, 60), 0);
}

static void
name_in_one_session_run_in_the_next(void)
{
    struct seen seen;
    Signed uid = 0;

    rpython_thread_begins();
    for (int i = 0; i < 3; i++) {
        const int fd = memory_file();

        begin_session(fd, 0.0005, 0);
        if (!uid)
            uid = rpython_register("known");
        run_until_seen(uid);
        end_session(fd, &seen);
        require(seen_id(&seen, "known") != 0);
        require(seen_share(&seen, seen_id(&seen, "known")) > 0);
        seen_free(&seen);
        close(fd);
    }
}

static void
names_given_while_enabled_are_in_every_later_session(void **state)
{
    (void)state;
    assert_int_equal(isolate(name_in_one_session_run_in_the_next, 60), 0);
}

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

static bool
is_whole_utf8(const char *text)
{
    while (*text) {
        const unsigned char first = (unsigned char)*text++;
        int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0;

        if ((first & 0xc0) == 0x80)
            return false;
        for (; more; more--)
            if (((unsigned char)*text++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static unsigned
count_colons(const char *name)
{
    unsigned count = 0;

    for (; *name; name++)
        count += *name == ':';
    return count;
}

/* A name of LONG_NAME bytes with a character of two bytes at each place. */
static void
make_long_name(char *to, const char *before, const char *behind)
{
    strcpy(to, before);
    while (strlen(to) + 2 + strlen(behind) <= LONG_NAME)
        strcat(to, "\303\251");
    strcat(to, behind);
}

static void
give_hostile_names(void)
{
    static const char *const parts[][2] = {
        { "py:", ":7:file.py" },     { "py:f:7:/", "/file.py" },
        { "", ":f:7:file.py" },      { "py:f:", ":file.py" },
        { "no colon at all", "" },   { "py:a:b:c:d:e:", ":f" },
        { "py:x:1:100%25 of ", "" },
    };
    static char name[LONG_NAME + 1];
    const int fd = memory_file();
    struct seen seen;
    size_t found = 0;

    rpython_thread_begins();
    begin_session(fd, 0.0005, 0);
    for (size_t i = 0; i < LENGTH(parts); i++) {
        const Signed uid = 4000 + 4 * (Signed)i;

        make_long_name(name, parts[i][0], parts[i][1]);
        require(vmprof_register_virtual_function(name, uid, 0) == 0);
        run_until_seen(uid);
    }
    end_session(fd, &seen);
    for (size_t i = 0; i < seen.name_count; i++) {
        const char *const text = seen.names[i].name;

        require(strlen(text) <= 1023);
        require(count_colons(text) == 3);
        require(is_whole_utf8(text));
        found += strstr(text, "...") != NULL;
    }
    /* What is no line is 0. */
    require(found == LENGTH(parts) - 1);
    seen_free(&seen);
}

static void
names_of_five_thousand_bytes_are_cut_and_whole(void **state)
{
    (void)state;
    assert_int_equal(isolate(give_hostile_names, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_is_forked_while_profiling_lives_on),
        cmocka_unit_test(nor_does_it_wait_for_handlers_of_its_parents_threads),
        cmocka_unit_test(profiling_ends_while_codes_are_registered),
        cmocka_unit_test(a_pipe_that_nobody_reads_does_not_freeze_the_program),
        cmocka_unit_test(names_given_while_enabled_are_in_every_later_session),
        cmocka_unit_test(samples_have_the_kernels_ids_of_their_threads),
        cmocka_unit_test(in_real_time_native_frames_are_left_out),
        cmocka_unit_test(in_real_time_every_thread_is_sampled),
        cmocka_unit_test(what_is_lost_is_counted_and_no_time_is),
        cmocka_unit_test(
            ten_thousand_stacklet_switches_a_second_leave_whole_stacks),
        cmocka_unit_test(calls_five_thousand_deep_are_all_in_the_sample),
        cmocka_unit_test(names_of_five_thousand_bytes_are_cut_and_whole),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
