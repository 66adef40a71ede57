/* SPDX-License-Identifier: MIT */

/* Children by fork and programs by exec, under sampling at 10 kHz: each has to
 * end as it would have without us. */
#include "suite.h"

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>

#include "profiled.h"
#include "scale.h"

enum {
    FORKING = 2,
};

static atomic_bool stop;
static atomic_uint forked;
static vmprof_code_id code;
static uint32_t clocks[] = { VMPROF_CLOCK_AUTO, VMPROF_CLOCK_MONOTONIC };
static unsigned wanted;
extern char **environ;

static void *
call_until_stopped(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    while (!atomic_load(&stop))
        vmprof_execute_code_leave(
            thread, vmprof_execute_code_enter(thread, code, NULL));
    return NULL;
}

/* A child does what children do: it calls, and ends with a status of its own.
 */
static void
be_a_child(struct vmprof_thread *thread, unsigned status)
{
    vmprof_token token;

    alarm(patience(30));
    token = vmprof_execute_code_enter(thread, code, NULL);
    require(!profile_stats().enabled);
    vmprof_execute_code_leave(thread, token);
    _exit((int)status);
}

static void
require_exit_status(pid_t child, unsigned expected)
{
    int status;

    require(child > 0);
    while (waitpid(child, &status, 0) < 0)
        require(errno == EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != (int)expected)
        dprintf(2, "status %#x, not %u\n", (unsigned)status, expected);
    require(WIFEXITED(status) && WEXITSTATUS(status) == (int)expected);
}

static void *
fork_on(void *user)
{
    struct vmprof_thread *thread;
    unsigned number;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    while ((number = atomic_fetch_add(&forked, 1)) < wanted) {
        const pid_t child = fork();

        if (child == 0)
            be_a_child(thread, number % 100);
        require_exit_status(child, number % 100);
    }
    return NULL;
}

static void
profile_while(uint32_t clock, void *(*body)(void *))
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.0001);
    pthread_t calling, working[FORKING];
    struct decoded d;

    code = code_named("children");
    options.clock = clock;
    require(vmprof_enable_with(&options) == 0);
    require(pthread_create(&calling, NULL, call_until_stopped, NULL) == 0);
    for (unsigned i = 0; i < FORKING; i++)
        require(pthread_create(&working[i], NULL, body, NULL) == 0);
    for (unsigned i = 0; i < FORKING; i++)
        require(pthread_join(working[i], NULL) == 0);
    atomic_store(&stop, true);
    require(pthread_join(calling, NULL) == 0);
    finish_profile(file, &d);
    dprintf(2, "# %u children, %zu samples\n", wanted, d.sample_count);
    decoded_free(&d);
}

static void
fork_often(void)
{
    for (size_t i = 0; i < LENGTH(clocks); i++) {
        atomic_store(&stop, false);
        atomic_store(&forked, 0);
        profile_while(clocks[i], fork_on);
    }
}

static void
no_forked_child_is_harmed(void **state)
{
    (void)state;
    wanted = scaled(1000, 50000); /* on each of two clocks */
    assert_int_equal(isolate(fork_often, scaled(120, 1200)), 0);
}

/* Long enough for a signal that was left to it to find it. */
static char *const program[] = {
    (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
    (char *)(uintptr_t) "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; "
                        "exit 7",
    NULL
};

static pid_t
start_program(unsigned number)
{
    pid_t child = 0;

    if (number % 3 == 0) {
        require(posix_spawn(&child, "/bin/sh", NULL, NULL, program, environ) ==
                0);
        return child;
    }
    child = number % 3 == 1 ? vfork() : fork();
    if (child == 0) {
        execve("/bin/sh", program, environ);
        _exit(1);
    }
    return child;
}

static void *
execute_on(void *user)
{
    struct vmprof_thread *thread;
    unsigned number;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    while ((number = atomic_fetch_add(&forked, 1)) < wanted)
        require_exit_status(start_program(number), 7);
    return NULL;
}

static void
execute_often(void)
{
    for (size_t i = 0; i < LENGTH(clocks); i++) {
        atomic_store(&stop, false);
        atomic_store(&forked, 0);
        profile_while(clocks[i], execute_on);
    }
}

static void
no_executed_program_is_harmed(void **state)
{
    (void)state;
    wanted = scaled(60, 500); /* on each of two clocks */
    assert_int_equal(isolate(execute_often, scaled(120, 600)), 0);
}

/* A profiled process that itself becomes another program, mid-tick. */
static unsigned become_number;

static void
become_a_program(void)
{
    struct vmprof_options options = profile_options(profile_file(), 0.00005);
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    options.clock = clocks[become_number % LENGTH(clocks)];
    require(vmprof_enable_with(&options) == 0);
    for (volatile unsigned i = become_number * 997 % 300000; i; i--)
        continue;
    execve("/bin/sh", program, environ);
    _exit(1);
}

static void
no_process_is_harmed_by_becoming_another_program(void **state)
{
    (void)state;
    for (unsigned i = 0; i < scaled(50, 1000); i++) {
        become_number = i;
        const int status = isolate(become_a_program, 60);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 7);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_forked_child_is_harmed),
        cmocka_unit_test(no_executed_program_is_harmed),
        cmocka_unit_test(no_process_is_harmed_by_becoming_another_program),
    };

    return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
