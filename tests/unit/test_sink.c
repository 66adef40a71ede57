/* SPDX-License-Identifier: MIT */

/* Descriptors that are closed, slow, full or broken. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "isolate.h"
#include "record/sink.h"

static char data[65536];

static void
descriptors_that_cannot_be_written_are_refused(void **state)
{
    (void)state;
    const int read_only = open("/dev/null", O_RDONLY);
    const int path = open("/tmp", O_PATH);
    struct vmp_sink sink;

    assert_int_equal(vmp_sink_open(&sink, -1), -EBADF);
    assert_int_equal(vmp_sink_open(&sink, 1 << 20), -EBADF);
    assert_int_equal(vmp_sink_open(&sink, read_only), -EACCES);
    assert_int_equal(vmp_sink_open(&sink, path), -EACCES);
    close(read_only);
    close(path);
}

static void
a_file_gets_every_byte_and_the_callers_descriptor_stays(void **state)
{
    (void)state;
    const int fd = memfd_create("sink", 0);
    struct vmp_sink sink;
    char back[300];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7);
    assert_int_equal(vmp_sink_open(&sink, fd), 0);
    assert_true(fcntl(sink.fd, F_GETFD) & FD_CLOEXEC);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(vmp_sink_write(&sink, data, sizeof(data)), 0);
    vmp_sink_close(&sink);
    assert_int_equal(atomic_load(&sink.bytes_written), 20 * sizeof(data));
    assert_int_equal(lseek(fd, 0, SEEK_END), 20 * sizeof(data));
    assert_int_equal(pread(fd, back, sizeof(back), 19 * sizeof(data)), 300);
    assert_memory_equal(back, data, sizeof(back));
    assert_int_equal(close(fd), 0);
}

static void
the_error_of_a_full_device_stays(void **state)
{
    (void)state;
    const int fd = open("/dev/full", O_WRONLY);
    struct vmp_sink sink;

    assert_int_equal(vmp_sink_open(&sink, fd), 0);
    assert_int_equal(vmp_sink_write(&sink, data, 100), -ENOSPC);
    close(sink.fd);
    sink.fd = open("/dev/null", O_WRONLY);
    assert_int_equal(vmp_sink_write(&sink, data, 100), -ENOSPC);
    assert_int_equal(sink.error, ENOSPC);
    assert_int_equal(atomic_load(&sink.bytes_written), 0);
    vmp_sink_close(&sink);
    close(fd);
}

/* As the writer has it. */
static void
block_all_signals(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
}

static void
write_to_a_closed_pipe(void)
{
    struct vmp_sink sink;
    int ends[2];

    block_all_signals();
    require(pipe(ends) == 0);
    require(vmp_sink_open(&sink, ends[1]) == 0);
    require(vmp_sink_write(&sink, data, 100) == 0);
    close(ends[0]);
    require(vmp_sink_write(&sink, data, 100) == -EPIPE);
    require(vmp_sink_write(&sink, data, 100) == -EPIPE);
}

static void
a_pipe_that_nobody_reads_is_an_error_and_no_death(void **state)
{
    (void)state;
    assert_int_equal(isolate(write_to_a_closed_pipe, 20), 0);
}

static void
write_over_a_limit(void)
{
    const struct rlimit limit = { 100000, 100000 };
    const int fd = memfd_create("limited", 0);
    struct vmp_sink sink;

    block_all_signals();
    require(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    require(vmp_sink_open(&sink, fd) == 0);
    require(vmp_sink_write(&sink, data, sizeof(data)) == 0);
    require(vmp_sink_write(&sink, data, sizeof(data)) == -EFBIG);
    require(atomic_load(&sink.bytes_written) == 100000);
}

static void
the_limit_of_a_files_size_is_an_error_and_no_death(void **state)
{
    (void)state;
    assert_int_equal(isolate(write_over_a_limit, 20), 0);
}

static void
fill_until_given_up(int fd)
{
    struct vmp_sink sink;
    int64_t begun;
    int r;

    assert_int_equal(vmp_sink_open(&sink, fd), 0);
    vmp_sink_hurry(&sink);
    begun = now_ms();
    do
        r = vmp_sink_write(&sink, data, sizeof(data));
    while (r == 0);
    assert_int_equal(r, -ETIMEDOUT);
    assert_in_range(now_ms() - begun, 1900, patience(6000));
    vmp_sink_close(&sink);
}

static void
a_full_pipe_is_given_up_after_two_seconds(void **state)
{
    (void)state;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    fill_until_given_up(ends[1]);
    close(ends[0]);
    close(ends[1]);
}

static void
a_full_socket_is_given_up_after_two_seconds(void **state)
{
    (void)state;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fill_until_given_up(ends[1]);
    close(ends[0]);
    close(ends[1]);
}

static void
a_pipe_that_does_not_block_gets_every_byte(void **state)
{
    (void)state;
    struct vmp_sink sink;
    int ends[2];
    pid_t reader;
    int status;

    assert_int_equal(pipe(ends), 0);
    reader = fork();
    if (reader == 0) {
        static char buffer[3000];
        size_t total = 0;
        ssize_t got;

        close(ends[1]);
        while ((got = read(ends[0], buffer, sizeof(buffer))) > 0)
            total += (size_t)got;
        _exit(total == 5 * sizeof(data) ? 0 : 1);
    }
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    assert_int_equal(vmp_sink_open(&sink, ends[1]), 0);
    close(ends[0]);
    close(ends[1]);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(vmp_sink_write(&sink, data, sizeof(data)), 0);
    vmp_sink_close(&sink);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_that_cannot_be_written_are_refused),
        cmocka_unit_test(
            a_file_gets_every_byte_and_the_callers_descriptor_stays),
        cmocka_unit_test(the_error_of_a_full_device_stays),
        cmocka_unit_test(a_pipe_that_nobody_reads_is_an_error_and_no_death),
        cmocka_unit_test(the_limit_of_a_files_size_is_an_error_and_no_death),
        cmocka_unit_test(a_full_pipe_is_given_up_after_two_seconds),
        cmocka_unit_test(a_full_socket_is_given_up_after_two_seconds),
        cmocka_unit_test(a_pipe_that_does_not_block_gets_every_byte),
    };

    return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
