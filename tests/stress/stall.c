/* SPDX-License-Identifier: MIT */

/*
 * A writer that stands still for a second, since nobody reads its pipe, while
 * eight threads are sampled at 10 kHz.
 */
#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>

#include "profiled.h"

enum {
    THREADS = 8,
    DEPTH = 40,
    STALL_MS = 1000,
};

static atomic_bool stop, stalled;
static atomic_uint running;
static vmprof_code_id codes[DEPTH];
static int ends[2];

static void
call(struct vmprof_thread *thread, unsigned depth)
{
    const vmprof_token token =
        vmprof_execute_code_enter(thread, codes[depth], NULL);

    for (volatile unsigned i = 0; i < 100; i++)
        continue;
    if (depth)
        call(thread, depth - 1);
    vmprof_execute_code_leave(thread, token);
}

static void *
work(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&stop))
        call(thread, DEPTH - 1);
    return NULL;
}

/* Read into `file` all there is, but nothing while stalled. */
static void *
read_pipe(void *file)
{
    static char bytes[65536];
    ssize_t got;

    for (;;) {
        while (atomic_load(&stalled))
            usleep(1000);
        got = read(ends[0], bytes, sizeof(bytes));
        if (got <= 0)
            return NULL;
        require(write(*(int *)file, bytes, (size_t)got) == got);
    }
}

static void
start_threads(pthread_t *threads)
{
    char name[20];

    for (unsigned i = 0; i < DEPTH; i++) {
        snprintf(name, sizeof(name), "level%u", i);
        codes[i] = code_named(name);
    }
    for (unsigned i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, work, NULL) == 0);
    require(wait_until(atomic_load(&running) == THREADS, 10000));
}

static void
stall_in(uint32_t mode)
{
    pthread_t threads[THREADS], reader;
    struct vmprof_stats before, after, s;
    int file = profile_file();
    struct vmprof_options options;
    struct decoded d;

    require(pipe(ends) == 0);
    start_threads(threads);
    require(pthread_create(&reader, NULL, read_pipe, &file) == 0);
    options = profile_options(ends[1], 0.0001);
    options.mode = mode;
    require(vmprof_enable_with(&options) == 0);
    require(wait_until(profile_stats().samples_written > 100, 10000));

    atomic_store(&stalled, true);
    /* The pipe holds some, and then nothing goes on. */
    do {
        before = profile_stats();
        usleep(300 * 1000);
    } while (profile_stats().bytes_written != before.bytes_written);
    before = profile_stats();
    usleep(STALL_MS * 1000);
    after = profile_stats();
    require(after.bytes_written == before.bytes_written);
    atomic_store(&stalled, false);
    require(wait_until(profile_stats().bytes_written != before.bytes_written,
                       10000));

    atomic_store(&stop, true);
    for (unsigned i = 0; i < THREADS; i++)
        require(pthread_join(threads[i], NULL) == 0);
    require(vmprof_disable() == 0);
    close(ends[1]);
    require(pthread_join(reader, NULL) == 0);
    require(decode_fd(&d, file) == 0 && d.ended);
    require_that_accounts_balance(&d);
    decoded_free(&d);

    s = profile_stats();
    dprintf(2,
            "# %s: %llu due in a second of standing still, %llu in all, "
            "%llu lost for want of room\n",
            mode == VMPROF_MODE_WALL ? "wall time" : "CPU time",
            (unsigned long long)(after.expirations - before.expirations),
            (unsigned long long)s.expirations,
            (unsigned long long)s.lost_ring_full);
    require(s.lost_ring_full * 1000 <= s.expirations);
    atomic_store(&stop, false);
    atomic_store(&running, 0);
}

static void
stall_cpu(void)
{
    stall_in(VMPROF_MODE_CPU);
}

static void
stall_wall(void)
{
    stall_in(VMPROF_MODE_WALL);
}

static void
a_second_without_a_writer_loses_less_than_one_in_a_thousand(void **state)
{
    (void)state;
    assert_int_equal(isolate(stall_cpu, 60), 0);
    assert_int_equal(isolate(stall_wall, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_second_without_a_writer_loses_less_than_one_in_a_thousand),
    };

    return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
