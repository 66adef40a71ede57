/* SPDX-License-Identifier: MIT */

/* Beginning, pausing and ending under load, and descriptors that misbehave. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "profiled.h"

enum {
    BUSY = 3,
};

static atomic_bool stopping;
static vmprof_code_id code;
static pthread_t busy[BUSY];

static void
recurse(struct vmprof_thread *thread, unsigned depth)
{
    const vmprof_token token = vmprof_execute_code_enter(thread, code, NULL);

    if (depth)
        recurse(thread, depth - 1);
    vmprof_execute_code_leave(thread, token);
}

static void *
be_busy(void *user)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    while (!atomic_load(&stopping))
        recurse(thread, 50);
    return user;
}

static void
start_load(void)
{
    code = code_named("busy");
    for (unsigned i = 0; i < BUSY; i++)
        require(pthread_create(&busy[i], NULL, be_busy, NULL) == 0);
    require(wait_until(profile_stats().threads == BUSY, 5000));
}

static void
end_load(void)
{
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < BUSY; i++)
        require(pthread_join(busy[i], NULL) == 0);
}

static void
cycle(uint32_t mode)
{
    start_load();
    for (unsigned i = 0; i < rounds(100); i++) {
        const int file = profile_file();
        struct vmprof_options options = profile_options(file, 0.0002);
        struct decoded d;

        options.mode = mode;
        require(vmprof_enable_with(&options) == 0);
        usleep(i % 4 * 1000);
        finish_profile(file, &d);
        require(d.thread_count <= BUSY);
        decoded_free(&d);
    }
    end_load();
}

static void
cycle_by_signal(void)
{
    cycle(VMPROF_MODE_CPU);
}

static void
cycle_observed(void)
{
    cycle(VMPROF_MODE_WALL);
}

static void
profiling_begins_and_ends_a_hundred_times_under_load(void **state)
{
    (void)state;
    assert_int_equal(isolate(cycle_by_signal, 60), 0);
    assert_int_equal(isolate(cycle_observed, 60), 0);
}

static void *
begin_and_end(void *user)
{
    atomic_uint *const done = user;

    for (unsigned i = 0; i < rounds(40); i++) {
        const int file = profile_file();
        int r = vmprof_enable(file, 0.001);

        require(r == 0 || r == -EBUSY);
        *done += r == 0;
        r = vmprof_disable();
        require(r == 0 || r == -EALREADY);
        close(file);
    }
    return NULL;
}

static void
quarrel(void)
{
    atomic_uint done = 0;
    pthread_t threads[3];

    start_load();
    for (unsigned i = 0; i < 3; i++)
        require(pthread_create(&threads[i], NULL, begin_and_end, &done) == 0);
    for (unsigned i = 0; i < 3; i++)
        require(pthread_join(threads[i], NULL) == 0);
    require(done > 0);
    require(!profile_stats().enabled);
    end_load();
}

static void
threads_that_quarrel_over_the_session_do_no_harm(void **state)
{
    (void)state;
    assert_int_equal(isolate(quarrel, 60), 0);
}

static void
fill(int fd)
{
    static const char nothing[4096];

    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    while (write(fd, nothing, sizeof(nothing)) > 0)
        ;
    require(errno == EAGAIN);
    require(fcntl(fd, F_SETFL, 0) == 0);
}

/* A pipe that is full and that nobody reads. */
static void
stall(void)
{
    struct vmprof_options options;
    struct vmprof_stats s;
    int64_t begun;
    int ends[2];

    start_load();
    require(pipe(ends) == 0);
    fill(ends[1]);
    options = profile_options(ends[1], 0.0001);
    options.ring_size = 16 << 10;
    options.max_frames = 64;
    require(vmprof_enable_with(&options) == 0);
    require(wait_until(profile_stats().lost_ring_full > 100, 20000));
    begun = now_ms();
    require(vmprof_disable() == -EIO);
    require(now_ms() - begun < (int64_t)patience(4000));
    s = profile_stats();
    require(s.write_error == ETIMEDOUT);
    require(s.samples_unwritten > 0);
    require(s.expirations == s.samples + s.lost_ring_full + s.lost_busy +
                                 s.lost_overrun + s.system_ticks);
    require(s.samples == s.samples_written + s.samples_unwritten);
    end_load();
}

static void
a_stalled_reader_costs_samples_that_are_counted(void **state)
{
    (void)state;
    assert_int_equal(isolate(stall, 60), 0);
}

static void
lose_the_reader(void)
{
    struct vmprof_stats s;
    int ends[2];

    start_load();
    require(pipe(ends) == 0);
    require(vmprof_enable(ends[1], 0.001) == 0);
    close(ends[0]);
    require(wait_until(profile_stats().write_error == EPIPE, 10000));
    usleep(10000);
    require(vmprof_disable() == -EIO);
    s = profile_stats();
    require(s.samples == s.samples_written + s.samples_unwritten);
    end_load();
}

static void
a_reader_that_goes_away_ends_the_file_and_not_the_program(void **state)
{
    (void)state;
    assert_int_equal(isolate(lose_the_reader, 30), 0);
}

static void
reuse_the_descriptor(void)
{
    const int file = profile_file(), kept = dup(file);
    int other;
    struct decoded d;

    start_load();
    require(vmprof_enable(file, 0.001) == 0);
    close(file);
    other = profile_file();
    require(other == file);
    require(wait_until(profile_stats().samples_written > 50, 10000));
    finish_profile(kept, &d);
    require(lseek(other, 0, SEEK_END) == 0);
    end_load();
}

static void
a_descriptor_that_the_host_closes_and_reuses_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(isolate(reuse_the_descriptor, 30), 0);
}

static void
grow(void)
{
    const int file = profile_file();
    int64_t slowest = 0;

    start_load();
    require(vmprof_enable(file, 0.001) == 0);
    require(wait_until(profile_stats().samples > 10, 5000));
    for (unsigned i = 0; i < 5; i++) {
        const uint64_t taken = profile_stats().samples;
        const int64_t begun = now_ms();
        size_t read = 0;

        while (read < taken) {
            struct decoded d;

            require(decode_fd(&d, file) == 0);
            read = d.sample_count;
            decoded_free(&d);
            require(now_ms() - begun < (int64_t)patience(5000));
            usleep(2000);
        }
        if (now_ms() - begun > slowest)
            slowest = now_ms() - begun;
    }
    /* 100 ms are promised where the processors are not taken. */
    require(slowest < (int64_t)patience(1000));
    require(vmprof_disable() == 0);
    end_load();
}

static void
what_is_a_moment_old_is_in_the_growing_file(void **state)
{
    (void)state;
    assert_int_equal(isolate(grow, 60), 0);
}

static void
pause_and_go_on(void)
{
    const int file = profile_file();
    struct decoded d;
    uint64_t before, unit;

    start_load();
    require(vmprof_enable(file, 0.001) == 0);
    require(wait_until(profile_stats().samples > 30, 10000));
    require(vmprof_pause() == 1);
    require(vmprof_pause() == 2);
    usleep(20000); /* ticks that had begun */
    before = profile_stats().samples;
    usleep(300000);
    require(profile_stats().samples == before);
    require(vmprof_resume() == 1);
    usleep(20000);
    require(profile_stats().samples == before);
    require(vmprof_resume() == 0);
    require(wait_until(profile_stats().samples > before + 30, 10000));
    finish_profile(file, &d);
    /* None weighs what the pause took. */
    unit = d.session.number[4];
    for (size_t i = 0; i < d.sample_count; i++)
        require(d.samples[i].weight * unit < 200000000);
    end_load();
}

static void
a_pause_takes_no_samples_and_weighs_nothing(void **state)
{
    (void)state;
    assert_int_equal(isolate(pause_and_go_on, 30), 0);
}

/* The duplicate that is written to has the same position. */
static void
read_through_descriptor(int file)
{
    char bytes[4096];
    const off_t size = lseek(file, 0, SEEK_CUR);
    off_t got = 0;
    ssize_t r;

    require(lseek(file, 0, SEEK_SET) == 0);
    while ((r = read(file, bytes, sizeof(bytes))) > 0) {
        got += r;
        usleep(20000);
    }
    require(r == 0 && got == size && got > 0);
    usleep(100000);
    require(lseek(file, 0, SEEK_CUR) == size);
}

static void
read_in_pauses(void)
{
    const int file = profile_file();
    uint64_t before = 0;
    struct decoded d;

    start_load();
    require(vmprof_pause_output() == -EALREADY);
    require(vmprof_enable(file, 0.0005) == 0);
    for (int i = 0; i < 4; i++) {
        require(
            wait_until(profile_stats().samples_written > before + 30, 10000));
        require(vmprof_pause_output() == 1);
        read_through_descriptor(file);
        /* Of several pauses the last holds as the first did. */
        require(vmprof_pause() == 2);
        require(vmprof_resume() == 1);
        read_through_descriptor(file);
        before = profile_stats().samples_written;
        require(i == 3 || vmprof_resume() == 0);
    }
    finish_profile(file, &d);
    require(d.sample_count > 100);
    end_load();
}

static void
in_a_pause_of_the_output_the_descriptor_is_the_programs(void **state)
{
    (void)state;
    assert_int_equal(isolate(read_in_pauses, 60), 0);
}

static void
run_out_of_descriptors(void)
{
    const int file = profile_file();
    struct rlimit limit = { (rlim_t)file + 2, (rlim_t)file + 2 };
    struct decoded d;

    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    start_load();
    require(vmprof_enable(file, 0.001) == 0);
    require(wait_until(profile_stats().samples > 20, 10000));
    finish_profile(file, &d);
    require(d.thread_count == BUSY);
    end_load();
}

static void
threads_are_sampled_when_descriptors_run_out(void **state)
{
    (void)state;
    assert_int_equal(isolate(run_out_of_descriptors, 30), 0);
}

/* Wall mode weighs the time that passes, whoever runs. */
static void
observe_all(void)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    struct decoded d;

    start_load();
    options.mode = VMPROF_MODE_WALL;
    require(vmprof_enable_with(&options) == 0);
    require(wait_until(profile_stats().samples >= 300 * BUSY, 20000));
    finish_profile(file, &d);
    for (uint32_t i = 0; i < BUSY; i++) {
        require(total_weight(&d, i) <= d.end_time + 100);
        /* Up to its last look: the observer may have to wait for the end. */
        require(total_weight(&d, i) >= d.threads[i].time / 10 * 8);
    }
    end_load();
}

static void
in_wall_mode_every_thread_weighs_what_passed(void **state)
{
    (void)state;
    assert_int_equal(isolate(observe_all, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiling_begins_and_ends_a_hundred_times_under_load),
        cmocka_unit_test(threads_that_quarrel_over_the_session_do_no_harm),
        cmocka_unit_test(a_stalled_reader_costs_samples_that_are_counted),
        cmocka_unit_test(
            a_reader_that_goes_away_ends_the_file_and_not_the_program),
        cmocka_unit_test(
            a_descriptor_that_the_host_closes_and_reuses_is_left_alone),
        cmocka_unit_test(what_is_a_moment_old_is_in_the_growing_file),
        cmocka_unit_test(a_pause_takes_no_samples_and_weighs_nothing),
        cmocka_unit_test(
            in_a_pause_of_the_output_the_descriptor_is_the_programs),
        cmocka_unit_test(threads_are_sampled_when_descriptors_run_out),
        cmocka_unit_test(in_wall_mode_every_thread_weighs_what_passed),
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
