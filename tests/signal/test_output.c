/* SPDX-License-Identifier: MIT */

/* Descriptors that fail under a whole session: its host goes on, the cause is
 * in the statistics, and disabling returns. */

#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "filter.h"
#include "profiled.h"

enum {
    MOST_MS = 4000, /* 2.25 s by design; a busy machine is late */
};

static const char skipped[] = "/tmp/vmprof-output-XXXXXX";
static struct vmprof_thread *thread;

static void
start(int fd)
{
    if (!thread) {
        require(vmprof_attach_thread(NULL, &thread) == 0);
        vmprof_execute_code_enter(thread, code_named("output"), NULL);
    }
    require(vmprof_enable(fd, 0.0002) == 0);
}

static void
require_an_end_with(int error)
{
    const int64_t begun = now_ms();
    struct vmprof_stats s;

    require(vmprof_disable() == -EIO);
    require(now_ms() - begun < (int64_t)patience(MOST_MS));
    s = profile_stats();
    if (s.write_error != error)
        dprintf(2, "the error is %d\n", s.write_error);
    require(s.write_error == error);
    require(s.samples == s.samples_written + s.samples_unwritten);
}

/* The file is whole up to where it ends, and holds what is said to be written.
 */
static void
require_what_was_written(int file)
{
    struct decoded d;

    require(decode_fd(&d, file) == 0);
    require(!d.ended);
    require(profile_stats().samples_written == taken_samples(&d));
    decoded_free(&d);
}

static void
burn_until_error(void)
{
    require(burn_until(profile_stats().write_error, 20000));
    burn_cpu_ms(20);
}

static void
limited(void)
{
    const struct rlimit limit = { 4000, 4000 };
    const int file = profile_file();

    start(file);
    require(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    burn_until_error();
    require_an_end_with(EFBIG);
    require_what_was_written(file);
    require(lseek(file, 0, SEEK_END) == 4000);
}

static void
a_files_limit_ends_the_profile_and_not_the_host(void **state)
{
    (void)state;
    assert_int_equal(isolate(limited, 30), 0);
}

enum {
    NO_TMPFS = 77,
};

static void
full(void)
{
    char directory[sizeof(skipped)];
    char name[sizeof(skipped) + 8];
    int file;

    memcpy(directory, skipped, sizeof(skipped));
    require(mkdtemp(directory) != NULL);
    if ((unshare(CLONE_NEWNS) < 0 &&
         unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", directory, "tmpfs", 0, "size=4k") < 0) {
        rmdir(directory);
        _exit(NO_TMPFS);
    }
    snprintf(name, sizeof(name), "%s/file", directory);
    file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    require(file >= 0);
    start(file);
    burn_until_error();
    require_an_end_with(ENOSPC);
    require_what_was_written(file);
    /* Room again: a retry works. */
    require(ftruncate(file, 0) == 0);
    require(lseek(file, 0, SEEK_SET) == 0);
    start(file);
    burn_cpu_ms(5);
    require(vmprof_disable() == 0);
    require(umount2(directory, MNT_DETACH) == 0);
    rmdir(directory);
}

static void
a_full_disk_ends_the_profile_and_room_lets_it_begin_again(void **state)
{
    (void)state;
    const int status = isolate(full, 30);

    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_TMPFS)
        skip_because("a small tmpfs cannot be mounted here");
    assert_int_equal(status, 0);
}

/* In another process, which cannot be waited for: it blocks in write(). */
static pid_t
keep_full(int end)
{
    static const char bytes[4096];
    const pid_t filler = fork();

    if (filler == 0)
        for (;;)
            require(write(end, bytes, sizeof(bytes)) > 0);
    require(filler > 0);
    return filler;
}

static void *
read_slowly(void *end)
{
    char byte;

    while (read(*(int *)end, &byte, 1) == 1)
        usleep(1000);
    return NULL;
}

static void
shared_pipe(void)
{
    pthread_t reader;
    pid_t filler;
    int ends[2];

    require(pipe(ends) == 0);
    filler = keep_full(ends[1]);
    /* Each page that it frees is fought for. */
    require(pthread_create(&reader, NULL, read_slowly, &ends[0]) == 0);
    start(ends[1]);
    burn_cpu_ms(300);
    require_an_end_with(ETIMEDOUT);
    kill(filler, SIGKILL);
    require(waitpid(filler, NULL, 0) == filler);
}

static void
a_pipe_that_another_process_fills_does_not_hold_the_host(void **state)
{
    (void)state;
    assert_int_equal(isolate(shared_pipe, 30), 0);
}

/* Stacks that a profile takes bytes for. */
static void
recurse_and_return(unsigned depth)
{
    static uintptr_t position;
    const vmprof_token token =
        vmprof_execute_code_enter(thread, code_named("slow"), &position);

    position++;
    burn_cpu_ms(0);
    if (depth)
        recurse_and_return(depth - 1);
    vmprof_execute_code_leave(thread, token);
}

static void *
read_a_byte_each_second(void *end)
{
    char byte;

    while (read(*(int *)end, &byte, 1) == 1)
        sleep_ms(1000);
    return NULL;
}

/* The host itself never waits for it, but at the end for as long as is said. */
static void
slow_pipe(void)
{
    pthread_t reader;
    uint64_t end;
    int ends[2];

    require(pipe(ends) == 0);
    require(fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
    require(pthread_create(&reader, NULL, read_a_byte_each_second, &ends[0]) ==
            0);
    start(ends[1]);
    end = lived_so_far().cpu_ns + 200 * 1000 * 1000;
    while (lived_so_far().cpu_ns < end)
        recurse_and_return(20);
    require(profile_stats().samples > 100 && !profile_stats().write_error);
    require_an_end_with(ETIMEDOUT);
    require(profile_stats().samples_unwritten > 0);
}

static void
a_pipe_that_is_read_a_byte_a_second_holds_nobody(void **state)
{
    (void)state;
    assert_int_equal(isolate(slow_pipe, 30), 0);
}

static void
without_nowait(void)
{
    refuse_system_call(SYS_pwritev2, ENOSYS);
    shared_pipe();
}

static void
nor_does_it_where_the_kernel_cannot_write_without_waiting(void **state)
{
    (void)state;
    assert_int_equal(isolate(without_nowait, 30), 0);
}

static unsigned
count_threads(void)
{
    struct stat status;

    require(stat("/proc/self/task", &status) == 0);
    return (unsigned)status.st_nlink - 2;
}

/* A file system that has gone: write() neither returns nor can be polled. */
static void
write_for_ever(void)
{
    const int file = profile_file();
    const int listener = hold_writes_above(2);

    start(file);
    burn_cpu_ms(50);
    require_an_end_with(ETIMEDOUT);
    require(profile_stats().samples_written == 0);
    require(count_threads() == 2);
    /* The write that was left behind returns: so does all that it kept. */
    close(listener);
    require(wait_until(count_threads() == 1, 5000));
}

static void
a_write_that_never_returns_is_left_behind(void **state)
{
    (void)state;
    assert_int_equal(isolate(write_for_ever, 30), 0);
}

/* Everything from `first` on, as careless daemons do. */
static void
close_from(int first)
{
    for (int fd = first; fd < 1024; fd++)
        close(fd);
}

static void
take_all_numbers(int *first, int *last)
{
    *first = profile_file();
    for (*last = *first; *last < 200;)
        *last = profile_file();
}

static void
require_empty(int first, int last)
{
    for (int fd = first; fd <= last; fd++)
        require(lseek(fd, 0, SEEK_END) == 0);
}

static void
close_everything(uint32_t clock)
{
    char name[sizeof(skipped)];
    struct vmprof_options options;
    int file, first, last;
    struct decoded d;
    uint64_t before;

    memcpy(name, skipped, sizeof(skipped));
    file = mkstemp(name);
    require(file >= 0);
    options = profile_options(file, 0.0005);
    options.clock = clock;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_execute_code_enter(thread, code_named("output"), NULL);
    require(vmprof_enable_with(&options) == 0);
    require(burn_until(profile_stats().samples_written > 20, 10000));
    close_from(3);
    take_all_numbers(&first, &last);
    /* The clock is found to be gone, and replaced. */
    before = profile_stats().samples_written;
    require(burn_until(profile_stats().samples_written > before + 100, 20000));
    require(vmprof_disable() == 0);
    require_empty(first, last);
    close_from(last + 1);
    file = open(name, O_RDONLY | O_CLOEXEC);
    unlink(name);
    require(file >= 0 && decode_fd(&d, file) == 0 && d.ended);
    require_that_accounts_balance(&d);
    decoded_free(&d);
}

static void
close_everything_on_perf(void)
{
    close_everything(VMPROF_CLOCK_AUTO);
    require(profile_stats().clock != VMPROF_CLOCK_PERF ||
            profile_stats().clock_error == EBADF);
}

static void
close_everything_on_a_timer(void)
{
    close_everything(VMPROF_CLOCK_MONOTONIC);
    require(profile_stats().clock_failures == 0);
}

static void
a_host_that_closes_all_descriptors_is_profiled_on(void **state)
{
    (void)state;
    assert_int_equal(isolate(close_everything_on_perf, 60), 0);
    assert_int_equal(isolate(close_everything_on_a_timer, 60), 0);
}

/* A sandbox that does not let the library hide its descriptor. */
static void
close_where_all_is_shared(void)
{
    const int file = profile_file(), kept = dup(file);
    int first, last;

    refuse_system_call(SYS_close_range, EPERM);
    start(file);
    require(burn_until(profile_stats().samples_written > 20, 10000));
    for (int fd = 3; fd < 1024; fd++)
        if (fd != kept)
            close(fd);
    take_all_numbers(&first, &last);
    burn_until_error();
    require_an_end_with(EBADF);
    require_what_was_written(kept);
    for (int fd = first; fd <= last; fd++)
        require(fd == kept || lseek(fd, 0, SEEK_END) == 0);
}

static void
a_reused_number_is_not_written_to_even_in_a_sandbox(void **state)
{
    (void)state;
    assert_int_equal(isolate(close_where_all_is_shared, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_files_limit_ends_the_profile_and_not_the_host),
        cmocka_unit_test(
            a_full_disk_ends_the_profile_and_room_lets_it_begin_again),
        cmocka_unit_test(
            a_pipe_that_another_process_fills_does_not_hold_the_host),
        cmocka_unit_test(a_pipe_that_is_read_a_byte_a_second_holds_nobody),
        cmocka_unit_test(
            nor_does_it_where_the_kernel_cannot_write_without_waiting),
        cmocka_unit_test(a_write_that_never_returns_is_left_behind),
        cmocka_unit_test(a_host_that_closes_all_descriptors_is_profiled_on),
        cmocka_unit_test(a_reused_number_is_not_written_to_even_in_a_sandbox),
    };

    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
