/* SPDX-License-Identifier: MIT */

/* Results and errors as RPython's side expects them. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"

static void
prepare_badly(void)
{
    static const double bad[] = { 0, -1, 1, 1.5, 9e-7, 1e300 };
    const int fd = memory_file(), read_only = open("/dev/null", O_RDONLY);
    struct seen seen;

    require(vmprof_enable(0, 0, 0) == -1 && errno == EINVAL);
    for (size_t i = 0; i < LENGTH(bad); i++)
        require(vmprof_init(fd, bad[i], 0, 0, "pypy", 0, 0) != NULL);
    require(vmprof_init(fd, NAN, 0, 0, "pypy", 0, 0) != NULL);
    require(vmprof_init(fd, INFINITY, 0, 0, "pypy", 0, 0) != NULL);
    require(vmprof_init(-1, 0.5, 0, 0, "pypy", 0, 0) != NULL);
    require(vmprof_init(1 << 20, 0.5, 0, 0, "pypy", 0, 0) != NULL);
    require(vmprof_init(read_only, 0.5, 0, 0, "pypy", 0, 0) != NULL);
    require(vmprof_init(fd, 0.5, 0, 1, "pypy", 0, 0) != NULL);
    require(vmprof_enable(0, 0, 0) == -1 && errno == EINVAL);
    require(lseek(fd, 0, SEEK_END) == 0);

    require(vmprof_init(fd, 1e-6, 0, 0, NULL, 0, 0) == NULL);
    require(vmprof_init(fd, 0.25, 0, 0, "pypy", 0, 0) == NULL);
    require(vmprof_enable(0, 0, 0) == 0);
    end_session(fd, &seen);
    require(seen.period_us == 250000);
    require(!strcmp(seen.vm_name, "pypy"));
    seen_free(&seen);
}

static void
what_cannot_be_profiled_is_refused_with_a_message(void **state)
{
    (void)state;
    assert_int_equal(isolate(prepare_badly, 20), 0);
}

static void
enable_and_disable_twice(void)
{
    const int fd = memory_file();
    struct seen seen;

    require(vmprof_disable() == -1 && errno == EALREADY);
    begin_session(fd, 0.1, 0);
    require(vmprof_init(fd, 0.1, 0, 0, "pypy", 0, 0) != NULL);
    require(vmprof_enable(0, 0, 0) == -1 && errno == EINVAL);
    end_session(fd, &seen);
    require(vmprof_disable() == -1 && errno == EALREADY);
    require(vmprof_enable(0, 0, 0) == -1 && errno == EINVAL);
    seen_free(&seen);
}

static void
each_session_is_prepared_begun_and_ended_once(void **state)
{
    (void)state;
    assert_int_equal(isolate(enable_and_disable_twice, 20), 0);
}

static void
use_descriptor_afterwards(void)
{
    char path[] = "/tmp/rvmprof-XXXXXX", found[PATH_MAX];
    const int fd = mkstemp(path);
    struct stat before, after;
    struct seen seen;
    long length;

    require(fd >= 0);
    require(vmprof_get_profile_path(found, sizeof(found)) == -1);
    require(vmprof_stop_sampling() == -1);
    vmprof_start_sampling();
    begin_session(fd, 0.1, 0);
    length = vmprof_get_profile_path(found, sizeof(found));
    require(length == (long)strlen(path) && !memcmp(path, found, strlen(path)));
    require(vmprof_get_profile_path(found, 5) == -1);
    require(vmprof_get_profile_path(found, 0) == -1);
    require(vmprof_stop_sampling() == fd);
    vmprof_start_sampling();
    end_session(fd, &seen);
    require(unlink(path) == 0);
    require(vmprof_get_profile_path(found, sizeof(found)) == -1);
    require(fstat(fd, &before) == 0);
    require(write(fd, "more", 4) == 4);
    require(fstat(fd, &after) == 0 && after.st_size == before.st_size + 4);
    require(close(fd) == 0);
    seen_free(&seen);
}

static void
the_descriptor_is_the_callers_and_its_path_is_told(void **state)
{
    (void)state;
    assert_int_equal(isolate(use_descriptor_afterwards, 20), 0);
}

/* As vmprof-python's disable(): it reads all there is by the descriptor that
 * stop_sampling() told, may append names, and ends the profile. */
static void
read_then_disable(void)
{
    const int fd = memory_file();
    const Signed uid = rpython_register("burning");
    struct seen seen;
    char byte;

    rpython_thread_begins();
    for (int i = 0; i < 3; i++) {
        require(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
        begin_session(fd, 0.0005, 0);
        while (accounts().samples < 20)
            pypy_g___vmprof_eval_vmprof(uid, burn, (void *)5);
        require(vmprof_stop_sampling() == fd);
        require(lseek(fd, 0, SEEK_SET) == 0);
        while (read(fd, &byte, 1) == 1)
            usleep(20);
        /* No start_sampling(): the next session begins anew. */
        end_session(fd, &seen);
        require(seen.sample_count >= 20);
        seen_free(&seen);
    }
}

static void
the_profile_can_be_read_before_it_ends(void **state)
{
    (void)state;
    assert_int_equal(isolate(read_then_disable, 60), 0);
}

static void
name_badly(void)
{
    char name[] = "py:f:1:f.py";

    require(vmprof_register_virtual_function(name, 0, 0) == -1);
    require(errno == EINVAL);
    require(vmprof_register_virtual_function(NULL, 8, 0) == -1);
    require(errno == EINVAL);
    require(vmprof_register_virtual_function(name, -4, 0) == 0);
    require(vmprof_register_virtual_function(name, INTPTR_MAX, 0) == 0);
    require(vmprof_register_virtual_function(name, 8, 0) == 0);
    require(vmprof_register_virtual_function(name, 8, 500000) == 0);
}

static void
any_id_but_zero_can_be_named_and_more_than_once(void **state)
{
    (void)state;
    assert_int_equal(isolate(name_badly, 20), 0);
}

enum {
    MANY = 30000,
    NAMERS = 3,
};

static void *
name_many(void *unused)
{
    char name[64];

    (void)unused;
    for (unsigned i = 1; i <= rounds(MANY); i++) {
        snprintf(name, sizeof(name), "py:f%u:%u:many.py", i, i);
        require(vmprof_register_virtual_function(name, 4 * (intptr_t)i, 0) ==
                0);
    }
    return NULL;
}

/* All of them name the same codes; each is found under its own name. */
static void
name_many_at_once(void)
{
    const int fd = memory_file();
    pthread_t threads[NAMERS];
    size_t found = 0;
    struct seen seen;

    rpython_thread_begins();
    begin_session(fd, 0.0005, 0);
    for (int i = 0; i < NAMERS; i++)
        require(pthread_create(&threads[i], NULL, name_many, NULL) == 0);
    for (int i = 0; i < NAMERS; i++)
        require(pthread_join(threads[i], NULL) == 0);
    for (unsigned i = 1; i <= rounds(MANY); i += rounds(MANY) / 50) {
        run_until_seen(4 * (Signed)i);
    }
    end_session(fd, &seen);
    for (unsigned i = 1; i <= rounds(MANY); i += rounds(MANY) / 50) {
        char name[64];

        snprintf(name, sizeof(name), "py:f%u:%u:many.py", i, i);
        for (size_t k = 0; k < seen.name_count; k++)
            found += !strcmp(seen.names[k].name, name);
    }
    require(found >= 50);
    seen_free(&seen);
}

static void
threads_name_many_codes_at_once(void **state)
{
    (void)state;
    assert_int_equal(isolate(name_many_at_once, 60), 0);
}

static vmprof_stack_t *
no_stack(void)
{
    return NULL;
}

static void *
no_codemap(long address, long *start)
{
    (void)address;
    (void)start;
    return NULL;
}

static void
hand_over_badly(void)
{
    struct vmprof_vm_hooks hooks;

    vmprof_vm_hooks_init(&hooks);
    require(vmprof_set_vm_hooks(NULL) == -EINVAL);
    require(vmprof_set_vm_hooks(&hooks) == -EINVAL);
    hooks.get_stack = no_stack;
    hooks.size = 8;
    require(vmprof_set_vm_hooks(&hooks) == -EINVAL);
    hooks.size = sizeof(hooks);
    hooks.find_codemap = no_codemap;
    require(vmprof_set_vm_hooks(&hooks) == -EINVAL);
    hooks.find_codemap = NULL;
    /* The VM's constructor was first. */
    require(vmprof_set_vm_hooks(&hooks) == -EALREADY);
}

static void
hooks_are_checked_and_handed_over_once(void **state)
{
    (void)state;
    assert_int_equal(isolate(hand_over_badly, 20), 0);
}

static void
record_memory(void)
{
    const int fd = memory_file();
    struct seen seen;

    rpython_thread_begins();
    require(vmprof_init(fd, 0.001, 1, 0, "pypy", 0, 0) == NULL);
    require(vmprof_enable(1, 0, 0) == 0);
    while (accounts().samples < 5)
        burn((void *)1);
    end_session(fd, &seen);
    require(seen.mode == (1 | 8));
    for (size_t i = 0; i < seen.sample_count; i++)
        require(seen.samples[i].memory_kb > 500);
    seen_free(&seen);
}

static void
memory_is_in_each_sample_if_it_was_asked_for(void **state)
{
    (void)state;
    assert_int_equal(isolate(record_memory, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_profiled_is_refused_with_a_message),
        cmocka_unit_test(each_session_is_prepared_begun_and_ended_once),
        cmocka_unit_test(the_descriptor_is_the_callers_and_its_path_is_told),
        cmocka_unit_test(the_profile_can_be_read_before_it_ends),
        cmocka_unit_test(any_id_but_zero_can_be_named_and_more_than_once),
        cmocka_unit_test(threads_name_many_codes_at_once),
        cmocka_unit_test(hooks_are_checked_and_handed_over_once),
        cmocka_unit_test(memory_is_in_each_sample_if_it_was_asked_for),
    };

    return cmocka_run_group_tests_name("conventions", tests, NULL, NULL);
}
