/* SPDX-License-Identifier: MIT */

/*
 * What a long-lived server does to the library, for minutes: threads that come
 * and go, sessions that begin and end, coroutines that move. Nothing may leak,
 * and the accounts must balance at the end of every session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include <vmprof/vmprof.h>

#include "descriptors.h"
#include "isolate.h"

enum {
    WORKERS = 4,
    DEPTH = 40,
    COROUTINES = 200,
};

static vmprof_code_id codes[DEPTH];
static atomic_bool stop;

static int64_t
soak_ms(void)
{
    const char *seconds = getenv("VMPROF_SOAK_SECONDS");

    return (seconds ? atoi(seconds) : 60) * 1000;
}

static void
register_codes(void)
{
    struct vmprof_code_class *code_class;
    char name[VMPROF_NAME_SIZE];

    require(vmprof_register_code_class("soak", NULL, &code_class) == 0);
    for (int i = 0; i < DEPTH; i++) {
        snprintf(name, sizeof(name), "soak:level%d:%d:soak.c", i, i + 1);
        require(vmprof_register_code(code_class, NULL, name, &codes[i]) == 0);
    }
}

static int
scratch_file(void)
{
    char name[] = "/tmp/vmprof-soak-XXXXXX";
    const int fd = mkstemp(name);

    require(fd >= 0);
    unlink(name);
    return fd;
}

static void
call(struct vmprof_thread *thread, unsigned depth)
{
    const vmprof_token token =
        vmprof_execute_code_enter(thread, codes[DEPTH - depth], NULL);

    for (volatile int i = 0; i < 200; i++)
        continue;
    if (depth > 1)
        call(thread, depth - 1);
    vmprof_execute_code_leave(thread, token);
}

static void
require_balance(void)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    require(vmprof_get_stats(&stats) == 0);
    require(stats.expirations == stats.samples + stats.lost_ring_full +
                                     stats.lost_busy + stats.lost_switching +
                                     stats.lost_walker + stats.lost_overrun +
                                     stats.system_ticks);
    require(stats.samples == stats.samples_written + stats.samples_unwritten);
    require(stats.write_error == 0 && stats.samples_unwritten == 0);
    require(stats.clock_failures == 0);
}

/* Every other thread leaves the detaching to the library. */
static void *
short_life(void *argument)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (int i = 0; i < 3; i++)
        call(thread, DEPTH);
    if ((uintptr_t)argument % 2)
        require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void *
spawn_until_stopped(void *count)
{
    for (uintptr_t i = 0; !atomic_load(&stop); i++) {
        pthread_t thread;

        require(pthread_create(&thread, NULL, short_life, (void *)i) == 0);
        require(pthread_join(thread, NULL) == 0);
        atomic_fetch_add((atomic_ulong *)count, 1);
    }
    return NULL;
}

static void *
call_until_stopped(void *unused)
{
    struct vmprof_thread *thread;

    (void)unused;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    while (!atomic_load(&stop))
        call(thread, DEPTH);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
run_workers(void *(*work)(void *), void *argument, void (*meanwhile)(void))
{
    pthread_t workers[WORKERS];

    atomic_store(&stop, false);
    for (int i = 0; i < WORKERS; i++)
        require(pthread_create(&workers[i], NULL, work, argument) == 0);
    meanwhile();
    atomic_store(&stop, true);
    for (int i = 0; i < WORKERS; i++)
        require(pthread_join(workers[i], NULL) == 0);
}

static void
let_time_pass(void)
{
    const int64_t end = now_ms() + soak_ms();

    while (now_ms() < end)
        usleep(10 * 1000);
}

static void
threads_in_one_session(void)
{
    const unsigned before = open_descriptors();
    const int fd = scratch_file();
    struct vmprof_stats stats;
    atomic_ulong count = 0;

    register_codes();
    require(vmprof_enable(fd, 0.001) == 0);
    run_workers(spawn_until_stopped, &count, let_time_pass);
    require(vmprof_disable() == 0);
    require_balance();
    vmprof_stats_init(&stats);
    require(vmprof_get_stats(&stats) == 0);
    require(stats.threads == 0);
    close(fd);
    require(open_descriptors() == before);
    require(atomic_load(&count) > 100);
}

static void
one_session(enum vmprof_mode mode, unsigned milliseconds)
{
    struct vmprof_options options;
    const int fd = scratch_file();

    vmprof_options_init(&options);
    options.fd = fd;
    options.interval = 0.001;
    options.mode = mode;
    require(vmprof_enable_with(&options) == 0);
    usleep(milliseconds * 1000);
    require(vmprof_disable() == 0);
    require_balance();
    close(fd);
}

static void
sessions_in_turns(void)
{
    const int64_t end = now_ms() + soak_ms();

    one_session(VMPROF_MODE_CPU, 10);
    const unsigned before = open_descriptors();
    for (unsigned i = 0; now_ms() < end; i++)
        one_session(i % 2 ? VMPROF_MODE_WALL : VMPROF_MODE_CPU, i % 30);
    require(open_descriptors() == before);
}

static void
sessions_while_calling(void)
{
    register_codes();
    run_workers(call_until_stopped, NULL, sessions_in_turns);
}

static void *
move_between_coroutines(void *unused)
{
    struct vmprof_stack *stacks[COROUTINES];
    struct vmprof_thread *thread;
    unsigned seed = 1;

    (void)unused;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (int i = 0; i < COROUTINES; i++)
        require(vmprof_new_stack(0, &stacks[i]) == 0);
    while (!atomic_load(&stop)) {
        struct vmprof_stack **const stack = &stacks[rand_r(&seed) % COROUTINES];

        require(vmprof_resume_stack(thread, *stack) == 0);
        call(thread, 1 + (unsigned)rand_r(&seed) % DEPTH);
        require(vmprof_yield_stack(thread) == 0);
        if (rand_r(&seed) % 16)
            continue;
        require(vmprof_free_stack(*stack) == 0);
        require(vmprof_new_stack(0, stack) == 0);
    }
    for (int i = 0; i < COROUTINES; i++)
        require(vmprof_free_stack(stacks[i]) == 0);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
coroutines_in_sessions(void)
{
    register_codes();
    run_workers(move_between_coroutines, NULL, sessions_in_turns);
}

static unsigned
limit_seconds(void)
{
    return (unsigned)(soak_ms() / 1000) + 60;
}

static void
threads_come_and_go_and_nothing_leaks(void **state)
{
    (void)state;
    assert_int_equal(isolate(threads_in_one_session, limit_seconds()), 0);
}

static void
every_session_balances_while_threads_call(void **state)
{
    (void)state;
    assert_int_equal(isolate(sessions_while_calling, limit_seconds()), 0);
}

static void
every_session_balances_while_coroutines_move(void **state)
{
    (void)state;
    assert_int_equal(isolate(coroutines_in_sessions, limit_seconds()), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_come_and_go_and_nothing_leaks),
        cmocka_unit_test(every_session_balances_while_threads_call),
        cmocka_unit_test(every_session_balances_while_coroutines_move),
    };

    return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}
