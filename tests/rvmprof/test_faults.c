/* SPDX-License-Identifier: MIT */

/* What froze or killed programs with the C that RPython came with: forks, the end
 * of a profile, a pipe that nobody reads. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "codemap.h"
#include "common.h"
#include "isolate.h"

enum {
    FORKS = 60,
    SESSIONS = 60,
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
    skip_where_malloc_dies_in_fork();
    assert_int_equal(isolate(fork_while_a_handler_looks, 60), 0);
}

static void
a_process_that_is_forked_while_profiling_lives_on(void **state)
{
    (void)state;
    skip_where_malloc_dies_in_fork();
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_is_forked_while_profiling_lives_on),
        cmocka_unit_test(nor_does_it_wait_for_handlers_of_its_parents_threads),
        cmocka_unit_test(profiling_ends_while_codes_are_registered),
        cmocka_unit_test(a_pipe_that_nobody_reads_does_not_freeze_the_program),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
