/* SPDX-License-Identifier: MIT */

/* Children start with profiling off, parents go on, programs start clean. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "profiled.h"

static vmprof_code_id code;
static atomic_bool stopping;
static struct vmprof_code_class *named;

static int
name_it(void *user, void *object, char *buffer, size_t size)
{
    (void)user;
    (void)object;
    return vmprof_format_name(buffer, size, "named", "f", 1, "");
}

static void
prepare(void)
{
    struct vmprof_code_class_options options;

    code = code_named("forked");
    vmprof_code_class_options_init(&options);
    options.full_name = name_it;
    require(vmprof_register_code_class("named", &options, &named) == 0);
}

/* Profile a little here, into a file of its own. */
static void
profile_here(void)
{
    const int file = profile_file();
    struct vmprof_thread *thread = vmprof_current_thread();
    vmprof_token token;
    struct decoded d;

    if (!thread)
        require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable(file, 0.0005) == 0);
    token = vmprof_execute_code_enter(thread, code, NULL);
    require(burn_until(profile_stats().samples >= 5, 5000));
    vmprof_execute_code_leave(thread, token);
    finish_profile(file, &d);
    require(d.thread_count == 1);
    decoded_free(&d);
}

static void
in_the_child(void)
{
    vmprof_code_id id;
    static int object;

    require(!profile_stats().enabled);
    require(vmprof_disable() == -EALREADY);
    require(vmprof_pause() == -EALREADY);
    burn_cpu_ms(2);
    require(vmprof_register_code(named, &object, NULL, &id) == 0);
    require(vmprof_forget_code(id) == 0);
    profile_here();
}

static void
fork_once(void)
{
    int status;
    const pid_t child = fork();

    require(child >= 0);
    if (child == 0) {
        alarm(patience(10));
        in_the_child();
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        require(errno == EINTR);
    require(status == 0);
}

static void
fork_while_profiling(uint32_t mode)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.0005);
    struct vmprof_thread *thread;
    uint64_t samples;
    struct decoded d;

    prepare();
    require(vmprof_attach_thread(NULL, &thread) == 0);
    options.mode = mode;
    require(vmprof_enable_with(&options) == 0);
    vmprof_execute_code_enter(thread, code, NULL);
    for (unsigned i = 0; i < 5; i++) {
        fork_once();
        samples = profile_stats().samples;
        require(burn_until(profile_stats().samples > samples + 3, 5000));
    }
    finish_profile(file, &d);
    require(d.thread_count == 1);
    decoded_free(&d);
}

static void
fork_by_signal(void)
{
    fork_while_profiling(VMPROF_MODE_CPU);
}

static void
fork_observed(void)
{
    fork_while_profiling(VMPROF_MODE_WALL);
}

static void
a_child_can_profile_itself_and_the_parent_goes_on(void **state)
{
    (void)state;
    skip_where_malloc_dies_in_fork();
    assert_int_equal(isolate(fork_by_signal, 30), 0);
    assert_int_equal(isolate(fork_observed, 30), 0);
}

static void
fork_unattached(void)
{
    const int file = profile_file();

    prepare();
    require(vmprof_enable(file, 0.0005) == 0);
    fork_once();
    require(vmprof_disable() == 0);
}

static void
a_thread_that_is_not_attached_may_fork_too(void **state)
{
    (void)state;
    skip_where_malloc_dies_in_fork();
    assert_int_equal(isolate(fork_unattached, 30), 0);
}

static void *
fork_often(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_execute_code_enter(thread, code, NULL);
    for (unsigned i = 0; i < rounds(40); i++) {
        const pid_t child = fork();
        int status;

        require(child >= 0);
        if (child == 0) {
            vmprof_token token;

            alarm(patience(10));
            require(!profile_stats().enabled);
            token = vmprof_execute_code_enter(thread, code, NULL);
            vmprof_execute_code_leave(thread, token);
            require(vmprof_detach_thread(thread) == 0);
            require(vmprof_attach_thread(NULL, &thread) == 0);
            _exit(0);
        }
        while (waitpid(child, &status, 0) < 0)
            require(errno == EINTR);
        require(status == 0);
    }
    return NULL;
}

static void *
call_often(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    while (!atomic_load(&stopping))
        for (unsigned i = 0; i < 1000; i++)
            vmprof_execute_code_leave(
                thread, vmprof_execute_code_enter(thread, code, NULL));
    return NULL;
}

static void
fork_from_several(void)
{
    const int file = profile_file();
    pthread_t forking[3], calling;
    struct decoded d;

    prepare();
    require(vmprof_enable(file, 0.0002) == 0);
    require(pthread_create(&calling, NULL, call_often, NULL) == 0);
    for (unsigned i = 0; i < 3; i++)
        require(pthread_create(&forking[i], NULL, fork_often, NULL) == 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(forking[i], NULL);
    atomic_store(&stopping, true);
    pthread_join(calling, NULL);
    finish_profile(file, &d);
    require(d.thread_count == 4);
    decoded_free(&d);
}

static void
several_threads_fork_in_a_loop(void **state)
{
    (void)state;
    skip_where_malloc_dies_in_fork();
    assert_int_equal(isolate(fork_from_several, 60), 0);
}

static atomic_uint waiting_count;

static void *
wait_attached(void *user)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    atomic_fetch_add(&waiting_count, 1);
    while (!atomic_load(&stopping))
        usleep(1000);
    return user;
}

/* Of memory that can be read. An emulator's own, of which statm has the sum, has
 * all of a 32-bit address space in it. */
static long
mapped_bytes(void)
{
    FILE *const file = fopen("/proc/self/maps", "r");
    unsigned long from, to, sum = 0;
    char readable, line[1024];

    require(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "%lx-%lx %c", &from, &to, &readable) == 3 &&
            readable == 'r')
            sum += to - from;
    fclose(file);
    require(sum > 0);
    return (long)sum;
}

/* The threads themselves leave their C stacks behind. */
static void
fork_beside_many(void)
{
    enum {
        THREADS = 8,
        RING = 4 << 20,
    };
    struct vmprof_options options = profile_options(profile_file(), 0.001);
    struct vmprof_thread *thread;
    pthread_t others[THREADS];
    long parents;
    int status;
    pid_t child;

    options.ring_size = RING;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable_with(&options) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        require(pthread_create(&others[i], NULL, wait_attached, NULL) == 0);
    require(wait_until(atomic_load(&waiting_count) == THREADS, 20000));
    parents = mapped_bytes();
    child = fork();
    require(child >= 0);
    if (child == 0) {
        require(mapped_bytes() <= parents - THREADS * (long)RING);
        profile_here();
        _exit(0);
    }
    require(waitpid(child, &status, 0) == child && status == 0);
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(others[i], NULL);
    require(vmprof_disable() == 0);
}

static void
a_child_gives_back_what_was_mapped_for_other_threads(void **state)
{
    (void)state;
    skip_where_malloc_dies_in_fork();
    assert_int_equal(isolate(fork_beside_many, 60), 0);
}

/* Coroutines that another thread is on, and forks at any moment of that. */
static struct vmprof_stack *coroutines[2];

static void *
move_between_stacks(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    while (!atomic_load(&stopping)) {
        require(vmprof_resume_stack(thread, coroutines[0]) == 0);
        require(vmprof_resume_stack(thread, coroutines[1]) == 0);
        require(vmprof_yield_stack(thread) == 0);
        require(vmprof_yield_stack(thread) == 0);
    }
    return NULL;
}

static void
use_the_coroutines(void)
{
    struct vmprof_thread *const thread = vmprof_current_thread();

    alarm(patience(10));
    for (unsigned i = 0; i < 2; i++)
        require(vmprof_resume_stack(thread, coroutines[i]) == 0);
    require(vmprof_free_stack(coroutines[1]) == -EBUSY);
    for (unsigned i = 0; i < 2; i++)
        require(vmprof_yield_stack(thread) == 0);
    _exit(0);
}

static void
fork_beside_coroutines(void)
{
    struct vmprof_thread *thread;
    struct vmprof_stack *own;
    pthread_t moving;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_new_stack(0, &own) == 0);
    require(vmprof_resume_stack(thread, own) == 0);
    for (unsigned i = 0; i < 2; i++)
        require(vmprof_new_stack(0, &coroutines[i]) == 0);
    require(pthread_create(&moving, NULL, move_between_stacks, NULL) == 0);
    for (unsigned i = 0; i < rounds(500); i++) {
        const pid_t child = fork();
        int status;

        require(child >= 0);
        if (child == 0) {
            require(vmprof_free_stack(own) == -EBUSY);
            use_the_coroutines();
        }
        require(waitpid(child, &status, 0) == child && status == 0);
    }
    atomic_store(&stopping, true);
    pthread_join(moving, NULL);
}

static void
coroutines_of_other_threads_are_free_in_the_child(void **state)
{
    (void)state;
    skip_where_malloc_dies_in_fork();
    assert_int_equal(isolate(fork_beside_coroutines, 60), 0);
}

/* Become another program in the middle of things. */
static uint32_t exec_clock;

static void
exec_now(void)
{
    struct vmprof_options options = profile_options(profile_file(), 0.00005);
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    options.clock = exec_clock;
    require(vmprof_enable_with(&options) == 0);
    burn_cpu_ms(1);
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}

static void
a_program_that_is_executed_lives(void **state)
{
    (void)state;
    for (unsigned i = 0; i < rounds(100); i++) {
        exec_clock = i % 2 ? VMPROF_CLOCK_MONOTONIC : VMPROF_CLOCK_AUTO;
        assert_int_equal(isolate(exec_now, 20), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_can_profile_itself_and_the_parent_goes_on),
        cmocka_unit_test(a_thread_that_is_not_attached_may_fork_too),
        cmocka_unit_test(several_threads_fork_in_a_loop),
        cmocka_unit_test(coroutines_of_other_threads_are_free_in_the_child),
        cmocka_unit_test(a_child_gives_back_what_was_mapped_for_other_threads),
        cmocka_unit_test(a_program_that_is_executed_lives),
    };

    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
