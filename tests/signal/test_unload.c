/* SPDX-License-Identifier: MIT */

/* The library as a plugin has it: opened, used and closed while threads that it
 * knows live on. This program does not link it. */

#include "suite.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

#include <sys/mman.h>

#include <vmprof/vmprof.h>

#include "isolate.h"

static const char *library_path;
static void *library;
static atomic_bool stopping;
static atomic_uint attached;

/* POSIX lets a pointer to a function be read from where a void * is. */
#define IMPORT(name)                                                           \
    __typeof__(name) *name##_;                                                 \
    *(void **)&name##_ = dlsym(library, #name)

static int
memory_file(void)
{
    const int file = memfd_create("profile", MFD_CLOEXEC);

    require(file >= 0);
    return file;
}

static void *
stay_attached(void *user)
{
    IMPORT(vmprof_attach_thread_1);
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread_1_(NULL, sizeof(struct vmprof_frame),
                                    &thread) == 0);
    atomic_fetch_add(&attached, 1);
    while (!atomic_load(&stopping))
        vmprof_execute_code_leave(thread,
                                  vmprof_execute_code_enter(thread, 4, NULL));
    /* It does not detach: a destructor of the library does. */
    return NULL;
}

static void
open_use_and_close(bool enabled)
{
    pthread_t thread;
    int status;
    pid_t child;

    library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
    require(library != NULL);
    IMPORT(vmprof_enable);
    IMPORT(vmprof_disable);
    IMPORT(vmprof_get_stats);
    struct vmprof_stats stats;

    require(pthread_create(&thread, NULL, stay_attached, NULL) == 0);
    require(wait_until(atomic_load(&attached) == 1, 5000));
    require(vmprof_enable_(memory_file(), 0.0001) == 0);
    vmprof_stats_init(&stats);
    require(wait_until(vmprof_get_stats_(&stats) == 0 && stats.samples > 20,
                       10000));
    require(enabled || vmprof_disable_() == 0);
    require(dlclose(library) == 0);
    /* Signals, threads, fork handlers and destructors after that. */
    for (unsigned i = 0; i < 20; i++) {
        child = fork();
        if (child == 0)
            _exit(0);
        require(waitpid(child, &status, 0) == child && status == 0);
        usleep(1000);
    }
    atomic_store(&stopping, true);
    require(pthread_join(thread, NULL) == 0);
    library = dlopen(library_path, RTLD_NOW | RTLD_NOLOAD);
    require(library != NULL);
    require(vmprof_get_stats_(&stats) == 0 && stats.threads == 0);
    require(stats.enabled == enabled);
}

static void
close_after_profiling(void)
{
    open_use_and_close(false);
}

static void
close_while_profiling(void)
{
    open_use_and_close(true);
}

static void
a_library_that_is_closed_stays_while_threads_know_it(void **state)
{
    (void)state;
    assert_int_equal(isolate(close_after_profiling, 30), 0);
}

static void
closing_it_while_profiling_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(isolate(close_while_profiling, 30), 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_that_is_closed_stays_while_threads_know_it),
        cmocka_unit_test(closing_it_while_profiling_changes_nothing),
    };

    if (argc != 2)
        return 2;
    library_path = argv[1];
    return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
