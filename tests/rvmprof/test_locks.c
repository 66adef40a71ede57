/* SPDX-License-Identifier: MIT */

/* A signal inside each lock: this program has a pthread_mutex_lock() of its own,
 * which returns when a handler has run since it took the lock, and a
 * pthread_mutex_trylock(). */

#include "suite.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common.h"

static __thread bool armed;
static unsigned with_signal, without;

/* While profiling begins or ends, no signal may come. */
static void
await_signal(void)
{
    const uint64_t before = vm_looks.asked;
    struct timespec now;
    int64_t end = 0;

    do {
        for (volatile int i = 0; i < 2000; i++)
            ;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        if (!end)
            end = now.tv_sec * INT64_C(1000000000) + now.tv_nsec + 20000000;
        if (vm_looks.asked != before) {
            with_signal++;
            return;
        }
    } while (now.tv_sec * INT64_C(1000000000) + now.tv_nsec < end);
    without++;
}

typedef int (*lock_function)(pthread_mutex_t *);

static int
take(lock_function *real, const char *name, pthread_mutex_t *mutex)
{
    int r;

    if (!*real) {
        void *const found = dlsym(RTLD_NEXT, name);

        memcpy(real, &found, sizeof(*real));
    }
    r = (*real)(mutex);
    if (armed && r == 0)
        await_signal();
    return r;
}

__attribute__((visibility("default"))) int
pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static lock_function real;

    return take(&real, "pthread_mutex_lock", mutex);
}

__attribute__((visibility("default"))) int
pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    static lock_function real;

    return take(&real, "pthread_mutex_trylock", mutex);
}

static void
register_code(void)
{
    static unsigned number;
    char name[32];

    snprintf(name, sizeof(name), "locked%u", number++);
    rpython_register(name);
}

static void
compile(void)
{
    struct jit_trace trace;

    jit_begin(&trace, 8);
    jit_call(&trace, burn, NULL);
    jit_end(&trace);
    jit_run(&trace);
    jit_free(&trace);
}

static void
pause_and_look(void)
{
    char path[100];
    void *words[10];

    vmprof_stop_sampling();
    vmprof_start_sampling();
    vmprof_get_profile_path(path, sizeof(path));
    vmprof_get_traceback(NULL, NULL, words, 10);
}

static void
prepare_again(void)
{
    require(vmprof_init(1, 0.1, 0, 0, "pypy", 0, 0) != NULL);
}

static void
enable_again(void)
{
    require(vmprof_enable(0, 0, 0) == -1);
}

static void
attach_again(void)
{
    require(vmprof_attach_vm_thread() == 0);
}

/* Returns how many locks a signal came in. */
static unsigned
signals_within(void (*operation)(void))
{
    const unsigned before = with_signal;

    armed = true;
    operation();
    armed = false;
    return with_signal - before;
}

static void
interrupt_in_locks(void)
{
    const int fd = memory_file();
    struct seen seen;

    rpython_thread_begins();
    begin_session(fd, 0.0002, 0);
    for (int i = 0; i < 5; i++) {
        /* The registry's and that of the ids. */
        require(signals_within(register_code) >= 2);
        require(signals_within(prepare_again) >= 1);
        require(signals_within(enable_again) >= 1);
        signals_within(compile);
        signals_within(pause_and_look);
        signals_within(attach_again);
    }
    armed = true;
    require(vmprof_disable() == 0);
    armed = false;
    require(with_signal >= 20);
    see(&seen, fd);
    require(seen.ended && seen.sample_count >= 20);
    seen_free(&seen);
}

static void
a_signal_inside_each_lock_does_no_harm(void **state)
{
    (void)state;
    assert_int_equal(isolate(interrupt_in_locks, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_inside_each_lock_does_no_harm),
    };

    return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
