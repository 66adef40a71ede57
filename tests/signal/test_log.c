/* SPDX-License-Identifier: MIT */

/* Sessions that write a vmprof log: forks, closed descriptors, deep stacks. */

#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "profiled.h"

enum {
    DEEP = 40000,
};

/* What one or more logs hold. */
struct logs {
    size_t starts, ends, stacks, names;
    uint64_t least_memory_kb, last_memory_kb, deepest, threads;
};

static vmprof_code_id code;
static struct vmprof_thread *thread;

static uint64_t
word_at(const unsigned char *at)
{
    uint64_t value = 0;

    for (unsigned i = 8; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static size_t
take_stack(struct logs *logs, const unsigned char *at, bool has_memory)
{
    const size_t depth = (size_t)word_at(at + 8);
    const unsigned char *const behind = at + 16 + 8 * depth;

    require(word_at(at) == 1 && depth <= 65536 && depth % 2 == 0);
    require(word_at(behind) == (uint64_t)gettid());
    logs->stacks++;
    if (depth > logs->deepest)
        logs->deepest = depth;
    if (!has_memory)
        return 16 + 8 * depth + 8;
    logs->last_memory_kb = word_at(behind + 8);
    if (logs->stacks == 1 || logs->last_memory_kb < logs->least_memory_kb)
        logs->least_memory_kb = logs->last_memory_kb;
    return 16 + 8 * depth + 16;
}

/* The bytes of the record behind its marker. */
static size_t
take_record(struct logs *logs, unsigned marker, const unsigned char *at,
            bool has_memory)
{
    switch (marker) {
    case 1:
        return take_stack(logs, at, has_memory);
    case 2:
        logs->names++;
        return 16 + (size_t)word_at(at + 8);
    case 3:
        logs->ends++;
        return 24;
    case 5:
        require(at[0] == 0 && at[1] == 6);
        return 4 + at[3];
    case 6:
        return 24;
    default: {
        require(marker == 7); /* there are no others */
        const size_t key = 8 + (size_t)word_at(at);
        return key + 8 + (size_t)word_at(at + key);
    }
    }
}

/* All of the file, which ends with a record. */
static struct logs
read_logs(int file, bool has_memory)
{
    struct logs logs = { 0 };
    struct stat status;
    unsigned char *bytes;
    size_t at = 0, size;

    require(fstat(file, &status) == 0);
    size = (size_t)status.st_size;
    bytes = malloc(size + 64);
    require(bytes && pread(file, bytes, size, 0) == (ssize_t)size);
    while (at < size) {
        if (logs.starts == logs.ends) {
            require(word_at(bytes + at) == 0 && word_at(bytes + at + 8) == 3);
            logs.starts++;
            at += 40;
        }
        at += 1 + take_record(&logs, bytes[at], bytes + at + 1, has_memory);
    }
    require(at == size);
    free(bytes);
    return logs;
}

static struct vmprof_options
log_options(int file, uint32_t parts)
{
    struct vmprof_options options = profile_options(file, 0.0005);

    options.format = VMPROF_FORMAT_LOG;
    options.log_parts = parts;
    return options;
}

static void
sample_some(uint64_t count)
{
    const uint64_t before = profile_stats().samples;
    const vmprof_token token = vmprof_execute_code_enter(thread, code, NULL);

    require(burn_until(profile_stats().samples >= before + count, 10000));
    vmprof_execute_code_leave(thread, token);
}

static void
begin(const struct vmprof_options *options)
{
    if (!code)
        code = code_named("logged");
    if (!thread)
        require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable_with(options) == 0);
}

/* How many descriptors are of the file that memory is read from. */
static unsigned
count_memory_descriptors(void)
{
    DIR *const directory = opendir("/proc/self/fd");
    const struct dirent *entry;
    unsigned count = 0;

    require(directory);
    while ((entry = readdir(directory)) != NULL) {
        char target[256] = "";

        if (readlinkat(dirfd(directory), entry->d_name, target,
                       sizeof(target) - 1) > 0)
            count += strstr(target, "/statm") != NULL;
    }
    closedir(directory);
    return count;
}

static void
fork_while_logging(void)
{
    const int file = profile_file();
    const struct vmprof_options options = log_options(file, VMPROF_LOG_MEMORY);
    struct logs logs;
    int status;

    begin(&options);
    sample_some(5);
    require(count_memory_descriptors() == 1);
    for (unsigned i = 0; i < 10; i++) {
        const pid_t child = fork();

        if (child == 0) {
            require(count_memory_descriptors() == 0);
            require(vmprof_disable() == -EALREADY);
            _exit(0);
        }
        require(child > 0 && waitpid(child, &status, 0) == child);
        require(status == 0);
    }
    sample_some(5);
    require(vmprof_disable() == 0);
    require(count_memory_descriptors() == 0);
    logs = read_logs(file, true);
    require(logs.starts == 1 && logs.ends == 1 && logs.stacks >= 10);
    require(logs.least_memory_kb > 100);
}

static void
close_all_while_logging(void)
{
    const int file = profile_file();
    const struct vmprof_options options = log_options(0, VMPROF_LOG_MEMORY);
    struct logs logs;
    int decoys[16];

    require(dup2(file, 0) == 0);
    begin(&options);
    sample_some(5);
    require(syscall(SYS_close_range, 3, ~0U, 0) == 0);
    /* Other files have the numbers now; what is there must be left alone. */
    for (unsigned i = 0; i < 16; i++)
        require((decoys[i] = open("/proc/self/stat", O_RDONLY)) > 0);
    require(burn_until(count_memory_descriptors() == 1, 10000));
    sample_some(5);
    require(vmprof_disable() == 0);
    for (unsigned i = 0; i < 16; i++)
        require(fcntl(decoys[i], F_GETFD) >= 0);
    logs = read_logs(0, true);
    require(logs.ends == 1 && logs.least_memory_kb > 100);
}

static void
log_twice(void)
{
    const int file = profile_file();
    const struct vmprof_options options = log_options(file, 0);
    struct logs logs;

    for (unsigned i = 0; i < 2; i++) {
        begin(&options);
        sample_some(5);
        require(vmprof_pause() == 1);
        burn_cpu_ms(5);
        require(vmprof_resume() == 0);
        require(vmprof_disable() == 0);
        require(profile_stats().samples_unwritten == 0);
    }
    logs = read_logs(file, false);
    require(logs.starts == 2 && logs.ends == 2 && logs.stacks >= 10);
    /* Names are told in each. */
    require(logs.names >= 2);
}

static void
log_deep_stacks(void)
{
    const int file = profile_file();
    struct vmprof_options options = log_options(file, VMPROF_LOG_LINES);
    struct vmprof_thread_options deep;
    vmprof_token first = 0;
    struct logs logs;

    vmprof_thread_options_init(&deep);
    deep.max_depth = DEEP + 10;
    require(vmprof_attach_thread(&deep, &thread) == 0);
    code = code_named("deep");
    for (unsigned i = 0; i < DEEP; i++) {
        const vmprof_token token =
            vmprof_execute_code_enter(thread, code, NULL);
        first = i ? first : token;
    }
    options.max_frames = 65536;
    begin(&options);
    sample_some(5);
    require(vmprof_disable() == 0);
    vmprof_execute_code_leave(thread, first);
    logs = read_logs(file, false);
    require(logs.stacks >= 5);
    require(logs.deepest > 65500);
}

static void
a_fork_leaves_the_log_whole_and_the_child_nothing_of_it(void **state)
{
    (void)state;
    assert_int_equal(isolate(fork_while_logging, 60), 0);
}

static void
a_host_that_closes_all_descriptors_has_its_memory_in_the_log(void **state)
{
    (void)state;
    assert_int_equal(isolate(close_all_while_logging, 60), 0);
}

static void
sessions_of_one_file_are_logs_one_behind_the_other(void **state)
{
    (void)state;
    assert_int_equal(isolate(log_twice, 60), 0);
}

static void
a_stack_as_deep_as_readers_take_is_one_record(void **state)
{
    (void)state;
    assert_int_equal(isolate(log_deep_stacks, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_fork_leaves_the_log_whole_and_the_child_nothing_of_it),
        cmocka_unit_test(
            a_host_that_closes_all_descriptors_has_its_memory_in_the_log),
        cmocka_unit_test(sessions_of_one_file_are_logs_one_behind_the_other),
        cmocka_unit_test(a_stack_as_deep_as_readers_take_is_one_record),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
