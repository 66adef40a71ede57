/* SPDX-License-Identifier: MIT */

/* What vmprof_enable() and its like refuse, and that it changes nothing. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include <vmprof/vmprof.h>

#include "decode.h"
#include "isolate.h"
#include "record/pause.h"

static int file, read_only;

static int
open_files(void **state)
{
    (void)state;
    file = memfd_create("profile", 0);
    read_only = open("/dev/null", O_RDONLY);
    return file < 0 || read_only < 0;
}

/* After whatever was refused, a correct call works and writes a whole file. */
static void
expect_that_it_works(void)
{
    struct vmprof_stats stats;
    struct decoded d;

    assert_int_equal(ftruncate(file, 0), 0);
    lseek(file, 0, SEEK_SET);
    assert_int_equal(vmprof_disable(), -EALREADY);
    assert_int_equal(vmprof_enable(file, 0.01), 0);
    vmprof_stats_init(&stats);
    assert_int_equal(vmprof_get_stats(&stats), 0);
    assert_int_equal(stats.enabled, 1);
    assert_int_equal(stats.interval_ns, 10000000);
    assert_int_equal(vmprof_disable(), 0);
    assert_int_equal(vmprof_get_stats(&stats), 0);
    assert_int_equal(stats.enabled, 0);
    assert_int_equal(decode_fd(&d, file), 0);
    assert_true(d.ended);
    assert_int_equal(d.session.number[10], 10000000);
    decoded_free(&d);
}

static void
an_interval_out_of_range_is_refused(void **state)
{
    (void)state;
    const double bad[] = { 0,
                           -0.0,
                           -1,
                           -1e-9,
                           1,
                           1.5,
                           1e300,
                           1e-10,
                           5e-324,
                           (double)NAN,
                           (double)INFINITY,
                           -(double)INFINITY };

    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_int_equal(vmprof_enable(file, bad[i]), -EINVAL);
    expect_that_it_works();
}

static void
a_descriptor_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    assert_int_equal(vmprof_enable(-1, 0.01), -EBADF);
    assert_int_equal(vmprof_enable(1 << 20, 0.01), -EBADF);
    assert_int_equal(vmprof_enable(read_only, 0.01), -EACCES);
    expect_that_it_works();
}

static struct vmprof_options
options(void)
{
    struct vmprof_options made;

    vmprof_options_init(&made);
    made.fd = file;
    made.interval = 0.01;
    return made;
}

static void
bad_options_are_refused(void **state)
{
    (void)state;
    struct vmprof_options bad[32];
    size_t count = 0;

    for (size_t i = 0; i < LENGTH(bad); i++)
        bad[i] = options();
    bad[count++].size = 0;
    bad[count++].size = 8;
    bad[count++].size = 1 << 20;
    bad[count++].mode = 2;
    bad[count++].mode = UINT32_MAX;
    bad[count++].clock = 5;
    bad[count++].max_frames = 65537;
    bad[count++].ring_size = 8 << 10;
    bad[count++].ring_size = (16 << 10) + 1;
    bad[count++].ring_size = (uint64_t)2 << 30;
    bad[count++].ring_size = UINT64_MAX;
    bad[count].mode = VMPROF_MODE_WALL;
    bad[count++].clock = VMPROF_CLOCK_PERF;
    bad[count].mode = VMPROF_MODE_WALL;
    bad[count++].clock = VMPROF_CLOCK_MONOTONIC;
    bad[count].mode = VMPROF_MODE_WALL;
    bad[count++].clock = VMPROF_CLOCK_CPU_TIMER;
    bad[count++].native = 3;
    bad[count++].native_bytes = 1023;
    bad[count++].native_bytes = (64 << 10) + 1;
    bad[count].mode = VMPROF_MODE_WALL;
    bad[count++].native = VMPROF_NATIVE_FRAME_POINTERS;
    bad[count++].interval = 0;
    bad[count++].format = 2;
    bad[count++].log_parts = VMPROF_LOG_MEMORY;
    bad[count].format = VMPROF_FORMAT_LOG;
    bad[count++].log_parts = 8;

    for (size_t i = 0; i < count; i++) {
        const int r = vmprof_enable_with(&bad[i]);

        if (r != -EINVAL)
            fail_msg("options %zu gave %d", i, r);
    }
    assert_int_equal(vmprof_enable_with(NULL), -EINVAL);
    expect_that_it_works();
}

static void
options_of_a_newer_program_are_refused_if_they_ask_for_more(void **state)
{
    (void)state;
    struct {
        struct vmprof_options known;
        uint64_t unknown;
    } newer = { options(), 1 };

    newer.known.size = sizeof(newer);
    assert_int_equal(vmprof_enable_with(&newer.known), -E2BIG);
    expect_that_it_works();
    newer.unknown = 0;
    assert_int_equal(vmprof_enable_with(&newer.known), 0);
    assert_int_equal(vmprof_disable(), 0);
}

static void
every_combination_that_is_documented_works(void **state)
{
    (void)state;
    const struct {
        uint32_t mode, clock, max_frames;
        uint64_t ring_size;
    } good[] = {
        { VMPROF_MODE_CPU, VMPROF_CLOCK_AUTO, 1, 16 << 10 },
        { VMPROF_MODE_CPU, VMPROF_CLOCK_MONOTONIC, 65536, 16 << 10 },
        { VMPROF_MODE_CPU, VMPROF_CLOCK_CPU_TIMER, 1, 16 << 10 },
        { VMPROF_MODE_CPU, VMPROF_CLOCK_OBSERVER, 1, 16 << 10 },
        { VMPROF_MODE_WALL, VMPROF_CLOCK_AUTO, 65536, 1 << 30 },
        { VMPROF_MODE_WALL, VMPROF_CLOCK_OBSERVER, 0, 0 },
    };

    for (size_t i = 0; i < LENGTH(good); i++) {
        struct vmprof_options wanted = options();

        wanted.mode = good[i].mode;
        wanted.clock = good[i].clock;
        wanted.max_frames = good[i].max_frames;
        wanted.ring_size = good[i].ring_size;
        assert_int_equal(vmprof_enable_with(&wanted), 0);
        assert_int_equal(vmprof_disable(), 0);
    }
    expect_that_it_works();
}

static void
enabling_twice_is_busy_and_the_first_goes_on(void **state)
{
    (void)state;
    struct vmprof_stats stats;

    assert_int_equal(vmprof_enable(file, 0.02), 0);
    assert_int_equal(vmprof_enable(file, 0.01), -EBUSY);
    assert_int_equal(vmprof_enable(-1, 0.01), -EBUSY);
    vmprof_stats_init(&stats);
    assert_int_equal(vmprof_get_stats(&stats), 0);
    assert_int_equal(stats.enabled, 1);
    assert_int_equal(stats.interval_ns, 20000000);
    assert_int_equal(vmprof_disable(), 0);
    expect_that_it_works();
}

static void
disabling_when_off_says_so(void **state)
{
    (void)state;
    assert_int_equal(vmprof_disable(), -EALREADY);
    assert_int_equal(vmprof_disable(), -EALREADY);
    expect_that_it_works();
}

static void
pauses_nest_and_end_with_the_session(void **state)
{
    (void)state;
    assert_int_equal(vmprof_pause(), -EALREADY);
    assert_int_equal(vmprof_resume(), -EALREADY);
    assert_int_equal(vmprof_enable(file, 0.01), 0);
    assert_int_equal(vmprof_resume(), -EALREADY);
    assert_int_equal(vmprof_pause(), 1);
    assert_int_equal(vmprof_pause(), 2);
    assert_int_equal(vmprof_resume(), 1);
    assert_int_equal(vmprof_resume(), 0);
    assert_int_equal(vmprof_resume(), -EALREADY);
    assert_int_equal(vmprof_pause(), 1);
    assert_int_equal(vmprof_disable(), 0);
    assert_int_equal(vmprof_resume(), -EALREADY);
    assert_int_equal(vmprof_enable(file, 0.01), 0);
    assert_int_equal(vmprof_resume(), -EALREADY);
    assert_int_equal(vmprof_disable(), 0);
}

/* Or many that were undone would be taken for something else. */
static void
a_pause_that_is_undone_leaves_nothing_behind(void **state)
{
    uint64_t before;

    (void)state;
    assert_int_equal(vmprof_enable(file, 0.01), 0);
    assert_int_equal(vmprof_pause_output(), 1);
    before = atomic_load(&vmp_pauses);
    assert_int_equal(vmprof_pause_output(), 2);
    assert_int_equal(vmprof_resume(), 1);
    assert_int_equal(atomic_load(&vmp_pauses), before);
    assert_int_equal(vmprof_resume(), 0);
    assert_int_equal(vmprof_disable(), 0);
}

static void
stats_of_a_bad_size_are_refused_untouched(void **state)
{
    (void)state;
    struct vmprof_stats stats;

    memset(&stats, 0x55, sizeof(stats));
    for (uint64_t size = 0; size < 168; size += 8) {
        stats.size = size;
        assert_int_equal(vmprof_get_stats(&stats), -EINVAL);
        assert_int_equal(stats.expirations, 0x5555555555555555);
    }
    stats.size = 5000;
    assert_int_equal(vmprof_get_stats(&stats), -EINVAL);
    assert_int_equal(vmprof_get_stats(NULL), -EINVAL);
    stats.size = sizeof(stats);
    assert_int_equal(vmprof_get_stats(&stats), 0);
}

static void
disabling_tells_what_the_session_did(void **state)
{
    (void)state;
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    assert_int_equal(vmprof_disable_with(&stats), -EALREADY);
    assert_int_equal(vmprof_enable(file, 0.25), 0);
    stats.size = 8;
    assert_int_equal(vmprof_disable_with(&stats), -EINVAL);
    stats.size = sizeof(stats);
    assert_int_equal(vmprof_disable_with(&stats), 0);
    assert_int_equal(stats.enabled, 0);
    assert_int_equal(stats.interval_ns, 250000000);
    assert_true(stats.bytes_written > 0);
    assert_int_equal(vmprof_enable(file, 0.25), 0);
    assert_int_equal(vmprof_disable_with(NULL), 0);
}

static void
every_error_has_a_sentence(void **state)
{
    (void)state;
    const int errors[] = { 0,         -EINVAL,  -EBADF, -EACCES,  -EBUSY,
                           -ENOMEM,   -E2BIG,   -EIO,   -ENOTSUP, -ESRCH,
                           -EALREADY, -1000000, 5 };

    for (size_t i = 0; i < LENGTH(errors); i++)
        assert_true(strlen(vmprof_strerror(errors[i])) > 3);
    assert_string_not_equal(vmprof_strerror(-EBADF), vmprof_strerror(-EINVAL));
    assert_non_null(vmprof_strerror(INT32_MIN));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_out_of_range_is_refused),
        cmocka_unit_test(a_descriptor_that_cannot_be_written_is_refused),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(
            options_of_a_newer_program_are_refused_if_they_ask_for_more),
        cmocka_unit_test(every_combination_that_is_documented_works),
        cmocka_unit_test(enabling_twice_is_busy_and_the_first_goes_on),
        cmocka_unit_test(disabling_when_off_says_so),
        cmocka_unit_test(pauses_nest_and_end_with_the_session),
        cmocka_unit_test(a_pause_that_is_undone_leaves_nothing_behind),
        cmocka_unit_test(stats_of_a_bad_size_are_refused_untouched),
        cmocka_unit_test(disabling_tells_what_the_session_did),
        cmocka_unit_test(every_error_has_a_sentence),
    };

    return cmocka_run_group_tests_name("sampler", tests, open_files, NULL);
}
