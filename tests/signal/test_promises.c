/* SPDX-License-Identifier: MIT */

/* What the program that hosts a VM may rely on: doc/embedding.md lists it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <vmprof/vmprof.h>

#include "isolate.h"

static struct vmprof_thread *thread;
static volatile sig_atomic_t foreign_signals;

static int
scratch_file(void)
{
    char name[] = "/tmp/vmprof-host-XXXXXX";
    const int fd = mkstemp(name);

    require(fd >= 0);
    unlink(name);
    return fd;
}

static off_t
size_of(int fd)
{
    struct stat status;

    require(fstat(fd, &status) == 0);
    return status.st_size;
}

static struct vmprof_stats
stats(void)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    require(vmprof_get_stats(&stats) == 0);
    return stats;
}

static unsigned
entries(const char *path)
{
    DIR *const directory = opendir(path);
    unsigned count = 0;

    require(directory != NULL);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void
burn_ms(int64_t ms)
{
    const int64_t end = now_ms() + ms;

    while (now_ms() < end)
        continue;
}

static void (*action_of_sigprof(void))(int)
{
    struct sigaction action;

    require(sigaction(SIGPROF, NULL, &action) == 0);
    return action.sa_handler;
}

static int
enable_and_sample(void)
{
    const int fd = scratch_file();

    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable(fd, 0.001) == 0);
    require(burn_until(stats().samples > 5, 10000));
    return fd;
}

static void
only_registered_and_attached(void)
{
    const unsigned descriptors = entries("/proc/self/fd");
    const unsigned tasks = entries("/proc/self/task");

    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_execute_code_leave(thread,
                              vmprof_execute_code_enter(thread, 0, NULL));
    require(entries("/proc/self/task") == tasks);
    require(entries("/proc/self/fd") == descriptors);
    require(action_of_sigprof() == SIG_DFL);
}

static void
until_profiling_is_enabled_nothing_of_ours_is_there(void **state)
{
    (void)state;
    assert_int_equal(isolate(only_registered_and_attached, 20), 0);
}

static void
in_the_child(void)
{
    const int fd = scratch_file();
    struct vmprof_stats child;

    require(vmprof_disable() == -EALREADY);
    /* With "." and "..", and a thread of the emulator's. */
    require(entries("/proc/self/task") == 3u + is_emulated());
    burn_ms(50);
    require(vmprof_enable(fd, 0.001) == 0);
    require(burn_until(stats().samples > 5, 10000));
    require(vmprof_disable() == 0);
    child = stats();
    require(child.samples_written == child.samples && size_of(fd) > 0);
    _exit(0);
}

static void
fork_while_enabled(void)
{
    const int fd = enable_and_sample();
    int status = -1;
    const pid_t child = fork();

    if (child == 0)
        in_the_child();
    require(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    require(vmprof_disable() == 0);
    require((uint64_t)size_of(fd) == stats().bytes_written);
}

static void
the_child_of_a_fork_starts_stopped_and_leaves_the_file_alone(void **state)
{
    (void)state;
    assert_int_equal(isolate(fork_while_enabled, 30), 0);
}

static void
require_close_on_exec(int but)
{
    for (int fd = 3; fd < 256; fd++) {
        const int flags = fcntl(fd, F_GETFD);

        require(fd == but || flags < 0 || (flags & FD_CLOEXEC));
    }
}

/* A timer of ours that survived would end the shell with SIGPROF. */
static void
exec_while_enabled(void)
{
    static const char loop[] =
        "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
    int fd;

    /* Descriptors from before are no business of ours. */
    for (int other = 3; other < 256; other++)
        close(other);
    fd = enable_and_sample();
    require_close_on_exec(fd);
    execl("/bin/sh", "sh", "-c", loop, (char *)NULL);
    require(false);
}

static void
nothing_of_ours_survives_an_exec(void **state)
{
    (void)state;
    assert_int_equal(isolate(exec_while_enabled, 30), 0);
}

static void
count_foreign(int signal)
{
    (void)signal;
    foreign_signals++;
}

static void
sigprof_of_somebody_else(void)
{
    struct sigaction action = { .sa_handler = count_foreign };

    require(sigaction(SIGPROF, &action, NULL) == 0);
    enable_and_sample();
    const sig_atomic_t before = foreign_signals;
    raise(SIGPROF);
    require(foreign_signals == before + 1);
    require(vmprof_disable() == 0);
    require(action_of_sigprof() == count_foreign);
    raise(SIGPROF);
    require(foreign_signals == before + 2);
}

static void
signals_of_others_reach_them_and_their_handler_comes_back(void **state)
{
    (void)state;
    assert_int_equal(isolate(sigprof_of_somebody_else, 30), 0);
}

static void
close_and_reuse(void)
{
    const int fd = enable_and_sample();
    const int copy = dup(fd);
    int other;

    close(fd);
    other = scratch_file();
    require(other == fd);
    require(burn_until(stats().samples > 200, 20000));
    require(vmprof_disable() == 0);
    require(size_of(other) == 0);
    require((uint64_t)size_of(copy) == stats().bytes_written);
    require(fcntl(other, F_GETFD) >= 0);
}

static void
a_descriptor_that_is_closed_and_reused_is_not_written_to(void **state)
{
    (void)state;
    assert_int_equal(isolate(close_and_reuse, 40), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_profiling_is_enabled_nothing_of_ours_is_there),
        cmocka_unit_test(
            the_child_of_a_fork_starts_stopped_and_leaves_the_file_alone),
        cmocka_unit_test(nothing_of_ours_survives_an_exec),
        cmocka_unit_test(
            signals_of_others_reach_them_and_their_handler_comes_back),
        cmocka_unit_test(
            a_descriptor_that_is_closed_and_reused_is_not_written_to),
    };

    return cmocka_run_group_tests_name("promises", tests, NULL, NULL);
}
