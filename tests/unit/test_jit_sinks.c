/* SPDX-License-Identifier: MIT */

/* What other tools are told of traces, and how safely. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vmprof/vmprof.h>

#include "isolate.h"

#if defined(__x86_64__) && defined(__GLIBC__)
#    include <execinfo.h>
#endif

struct gdb_descriptor {
    uint32_t version, action;
    void *relevant, *first;
};
extern struct gdb_descriptor __jit_debug_descriptor;

enum {
    FILES = VMPROF_SINK_PERF_MAP | VMPROF_SINK_JITDUMP,
};

static char directory[] = "/tmp/vmprof-sinks-XXXXXX";
static char path[100];
static unsigned char fake_code[3][64];

static int
open_sinks(uint64_t sinks)
{
    struct vmprof_jit_sink_options options;

    vmprof_jit_sink_options_init(&options);
    options.sinks = sinks;
    options.directory = directory;
    return vmprof_open_jit_sinks(&options);
}

static const char *
path_of(const char *stem, const char *end)
{
    snprintf(path, sizeof(path), "%s/%s%d.%s", directory, stem, (int)getpid(),
             end);
    return path;
}

static void
remove_files(void)
{
    unlink(path_of("perf-", "map"));
    unlink(path_of("jit-", "dump"));
    unlink(path_of("jit-", "ops"));
}

static vmprof_jit_id
register_at(const void *address, uint64_t length, const char *name)
{
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;

    assert_int_equal(vmprof_reserve_trace(0, &reserved), 0);
    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.name = name;
    trace.address = address;
    trace.length = length;
    trace.frame = VMPROF_TRACE_FRAME_FIXED;
    assert_int_equal(vmprof_register_trace(reserved.id, &trace), 0);
    return reserved.id;
}

static size_t
read_file(const char *stem, const char *end, char *to, size_t size)
{
    const int fd = open(path_of(stem, end), O_RDONLY);
    ssize_t got;

    assert_true(fd >= 0);
    got = read(fd, to, size - 1);
    close(fd);
    assert_true(got >= 0);
    to[got] = 0;
    return (size_t)got;
}

static void
the_map_says_where_traces_are(void **state)
{
    char text[500], expected[500];
    vmprof_jit_id id;

    (void)state;
    assert_int_equal(open_sinks(VMPROF_SINK_PERF_MAP), 0);
    assert_int_equal(open_sinks(VMPROF_SINK_PERF_MAP), -EALREADY);
    id = register_at(fake_code[0], 64, "a b\n0 0 evil\x7f");
    assert_int_equal(vmprof_move_trace(id, fake_code[1]), 0);
    assert_int_equal(vmprof_unregister_trace(id), 0);
    id = register_at(fake_code[0], 64, NULL);
    assert_int_equal(vmprof_close_jit_sinks(), 0);
    assert_int_equal(vmprof_close_jit_sinks(), -EALREADY);
    assert_int_equal(vmprof_unregister_trace(id), 0);
    snprintf(expected, sizeof(expected),
             "%lx 40 a_b_0_0_evil_\n%lx 40 a_b_0_0_evil_\n%lx 40 loop_%u\n",
             (unsigned long)fake_code[0], (unsigned long)fake_code[1],
             (unsigned long)fake_code[0], id);
    read_file("perf-", "map", text, sizeof(text));
    assert_string_equal(text, expected);
    remove_files();
}

static void
files_are_new_and_nobody_elses(void **state)
{
    static const char *const names[][2] = { { "perf-", "map" },
                                            { "jit-", "dump" },
                                            { "jit-", "ops" } };
    struct stat found;

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        /* A link, wherever it leads. */
        path_of(names[i][0], names[i][1]);
        assert_int_equal(symlink("/dev/null", path), 0);
        assert_int_equal(open_sinks(FILES), -EEXIST);
        path_of(names[i][0], names[i][1]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(open_sinks(FILES), -EEXIST);
        path_of(names[i][0], names[i][1]);
        assert_int_equal(rmdir(path), 0);
        /* What an earlier process left. */
        assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0666)), 0);
        assert_int_equal(open_sinks(FILES), 0);
        assert_int_equal(vmprof_close_jit_sinks(), 0);
        path_of(names[i][0], names[i][1]);
        assert_int_equal(lstat(path, &found), 0);
        assert_int_equal(found.st_mode, S_IFREG | 0600);
        remove_files();
    }
}

static void
bad_options_are_refused(void **state)
{
    struct vmprof_jit_sink_options options;
    char too_long[600];

    (void)state;
    assert_int_equal(vmprof_open_jit_sinks(NULL), -EINVAL);
    assert_int_equal(open_sinks(0), -EINVAL);
    assert_int_equal(open_sinks(16), -EINVAL);
    vmprof_jit_sink_options_init(&options);
    options.sinks = FILES;
    options.directory = "relative";
    assert_int_equal(vmprof_open_jit_sinks(&options), -EINVAL);
    memset(too_long, '/', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = 0;
    options.directory = too_long;
    assert_int_equal(vmprof_open_jit_sinks(&options), -EINVAL);
    options.directory = "/nowhere/at/all";
    assert_int_equal(vmprof_open_jit_sinks(&options), -ENOENT);
    options.size = 3;
    assert_int_equal(vmprof_open_jit_sinks(&options), -EINVAL);
}

static void
gdb_has_those_that_are_there(void **state)
{
    vmprof_jit_id ids[3];

    (void)state;
#if !defined(__x86_64__) && !defined(__aarch64__)
    assert_int_equal(open_sinks(VMPROF_SINK_GDB), -ENOTSUP);
    return;
#endif
    assert_int_equal(open_sinks(VMPROF_SINK_GDB), 0);
    for (unsigned i = 0; i < 3; i++)
        ids[i] = register_at(fake_code[i], 64, "loop");
    for (unsigned i = 0; i < 3; i++) {
        assert_non_null(__jit_debug_descriptor.first);
        assert_int_equal(vmprof_unregister_trace(ids[(i + 1) % 3]), 0);
    }
    assert_null(__jit_debug_descriptor.first);
    ids[0] = register_at(fake_code[0], 64, "loop");
    assert_non_null(__jit_debug_descriptor.first);
    assert_int_equal(vmprof_close_jit_sinks(), 0);
    assert_null(__jit_debug_descriptor.first);
    assert_int_equal(vmprof_unregister_trace(ids[0]), 0);
    remove_files();
}

/* A child says nothing of its traces to its parent's files. */
static void
files_are_the_parents(void **state)
{
    char text[200];
    int status = -1;
    pid_t child;

    (void)state;
    assert_int_equal(open_sinks(FILES), 0);
    child = fork();
    if (child == 0) {
        const vmprof_jit_id id = register_at(fake_code[0], 64, "loop");
        _exit(vmprof_unregister_trace(id) < 0 || vmprof_close_jit_sinks() < 0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
    assert_int_equal(read_file("perf-", "map", text, sizeof(text)), 0);
    assert_int_equal(read_file("jit-", "dump", text, sizeof(text)), 40);
    assert_int_equal(vmprof_close_jit_sinks(), 0);
    remove_files();
}

static void *
be_cancelled(void *unused)
{
    (void)unused;
    require(pthread_cancel(pthread_self()) == 0);
    register_at(fake_code[0], 64, "loop");
    pthread_testcancel();
    return NULL;
}

static void
require_cancellable(void)
{
    int before;

    require(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before) == 0);
    require(before == PTHREAD_CANCEL_ENABLE);
}

/* Writing to a file is where a thread may be cancelled. */
static void
cancel_one_that_writes(void)
{
    pthread_t thread;
    void *result;
    int status = -1;
    pid_t child;

    require(open_sinks(FILES) == 0);
    require(pthread_create(&thread, NULL, be_cancelled, NULL) == 0);
    require(pthread_join(thread, &result) == 0);
    require(result == PTHREAD_CANCELED);
    register_at(fake_code[1], 64, "loop");
    child = fork();
    if (child == 0) {
        require_cancellable();
        _exit(0);
    }
    require(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    require_cancellable();
    require(vmprof_close_jit_sinks() == 0);
    remove_files();
}

static void
a_cancelled_thread_leaves_the_sinks_to_others(void **state)
{
    (void)state;
    assert_int_equal(isolate(cancel_one_that_writes, 10), 0);
}

#if defined(__x86_64__) && defined(__GLIBC__)

static void *frames[16];
static int frame_count;

static __attribute__((noinline)) void
look_back(void)
{
    frame_count = backtrace(frames, 16);
}

/* How many frames there are down to an address, which has to be one of them: a
 * sanitizer has one of its own in between. */
static int
frames_down_to(const void *address)
{
    int i = 0;

    while (i < frame_count && frames[i] != address)
        i++;
    assert_true(i < frame_count);
    return i + 1;
}

/* sub rsp, 40; call *rdi; add rsp, 40; ret */
static void
a_backtrace_gets_through(void **state)
{
    static const unsigned char code[] = { 0x48, 0x83, 0xec, 40, 0xff, 0xd7,
                                          0x48, 0x83, 0xc4, 40, 0xc3 };
    unsigned char *const at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;
    void (*call)(void (*function)(void));

    (void)state;
    assert_true(at != MAP_FAILED);
    memcpy(at, code, sizeof(code));
    memcpy(&call, &at, sizeof(call));
    if (open_sinks(VMPROF_SINK_UNWIND) == -ENOTSUP)
        skip_because("nothing here has __register_frame()");
    assert_int_equal(vmprof_reserve_trace(0, &reserved), 0);
    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.address = at;
    trace.length = sizeof(code);
    trace.frame = VMPROF_TRACE_FRAME_FIXED;
    trace.frame_size = 40;
    assert_int_equal(vmprof_register_trace(reserved.id, &trace), 0);
    call(look_back);
    assert_true(frame_count > frames_down_to(at + 6) + 1);
    assert_int_equal(vmprof_unregister_trace(reserved.id), 0);
    call(look_back);
    assert_int_equal(frame_count, frames_down_to(at + 6));
    assert_int_equal(vmprof_close_jit_sinks(), 0);
}

#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_says_where_traces_are),
        cmocka_unit_test(files_are_new_and_nobody_elses),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(gdb_has_those_that_are_there),
        cmocka_unit_test(files_are_the_parents),
        cmocka_unit_test(a_cancelled_thread_leaves_the_sinks_to_others),
#if defined(__x86_64__) && defined(__GLIBC__)
        cmocka_unit_test(a_backtrace_gets_through),
#endif
    };
    int failed;

    if (!mkdtemp(directory))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
