/* SPDX-License-Identifier: MIT */

/*
 * Everything that a host may do at once, while sessions begin and end a hundred
 * times a second at 10 kHz, on each clock, in turn. Every file is read back, and
 * its accounts have to balance.
 */
#include "suite.h"

#include <errno.h>
#include <pthread.h>

#include "mischief.h"
#include "profiled.h"

enum {
    MOST_MISCHIEF = 16,
};

struct kind {
    const char *name;
    uint32_t mode, clock, sampling, native;
};

static const struct kind kinds[] = {
    { .name = "what is usual" },
    { .name = "perf",
      .clock = VMPROF_CLOCK_PERF,
      .sampling = VMPROF_SAMPLING_SIGNAL },
    { .name = "a timer",
      .clock = VMPROF_CLOCK_MONOTONIC,
      .sampling = VMPROF_SAMPLING_SIGNAL },
    { .name = "a CPU timer", .clock = VMPROF_CLOCK_CPU_TIMER },
    { .name = "observed CPU time", .clock = VMPROF_CLOCK_OBSERVER },
    { .name = "wall time", .mode = VMPROF_MODE_WALL },
    { .name = "copies of C stacks", .native = VMPROF_NATIVE_COPY },
    { .name = "frame pointers", .native = VMPROF_NATIVE_FRAME_POINTERS },
};

static const struct kind *kind;

/* For each kind. VMPROF_CHAOS_SECONDS is for all of them together. */
static int64_t
chaos_ms(void)
{
    const char *const seconds = getenv("VMPROF_CHAOS_SECONDS");

    return (seconds ? atoi(seconds) : 24) * 1000 / (int64_t)LENGTH(kinds);
}

static struct vmprof_options
options_for(int file)
{
    struct vmprof_options options = profile_options(file, 0.0001);

    options.mode = kind->mode;
    options.clock = kind->clock;
    options.sampling = kind->sampling;
    options.native = kind->native;
    return options;
}

/* Returns the samples it held. */
static size_t
one_session(unsigned microseconds)
{
    const int file = profile_file();
    const struct vmprof_options options = options_for(file);
    struct decoded d;
    size_t samples;
    int r;

    do
        r = vmprof_enable_with(&options);
    while (r == -EAGAIN);
    require(r == 0);
    usleep(microseconds);
    finish_profile(file, &d);
    samples = d.sample_count;
    decoded_free(&d);
    return samples;
}

void
profile_in_child(void)
{
    struct vmprof_thread *thread = vmprof_current_thread();
    const int file = profile_file();
    const struct vmprof_options options = options_for(file);
    struct decoded d;

    require(vmprof_enable_with(&options) == 0);
    for (unsigned i = 0; i < 20; i++)
        call(thread, CODES);
    finish_profile(file, &d);
    require(d.thread_count <= 1);
    decoded_free(&d);
}

static void
stop_all(pthread_t *threads)
{
    atomic_store(&stop, true);
    for (unsigned i = 0; all_mischief[i].name; i++) {
        require(pthread_join(threads[i], NULL) == 0);
        if (!atomic_load(&all_mischief[i].count))
            dprintf(2, "never done: %s\n", all_mischief[i].name);
        require(atomic_load(&all_mischief[i].count) > 0);
    }
}

static void
tell(unsigned sessions, size_t samples)
{
    char line[1000];
    int used = snprintf(line, sizeof(line), "# %s: %u sessions, %zu samples",
                        kind->name, sessions, samples);

    for (unsigned i = 0; all_mischief[i].name; i++)
        used +=
            snprintf(line + used, sizeof(line) - (size_t)used, ", %lu %s",
                     atomic_load(&all_mischief[i].count), all_mischief[i].name);
    dprintf(2, "%s\n", line);
}

static void
cause_chaos(void)
{
    const int64_t end = now_ms() + chaos_ms();
    pthread_t threads[MOST_MISCHIEF];
    unsigned sessions = 0;
    size_t samples = 0;

    register_codes();
    for (unsigned i = 0; all_mischief[i].name; i++)
        require(pthread_create(&threads[i], NULL, all_mischief[i].body,
                               &all_mischief[i]) == 0);
    for (; now_ms() < end; sessions++)
        samples += one_session(sessions % 16 * 400);
    stop_all(threads);
    require(samples > 0);
    tell(sessions, samples);
}

static bool
is_there(void)
{
    const int file = profile_file();
    const struct vmprof_options options = options_for(file);
    const int r = vmprof_enable_with(&options);

    close(file);
    return r == 0 && vmprof_disable() == 0;
}

static void
nothing_crashes_hangs_or_writes_a_bad_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        kind = &kinds[i];
        if (i && !is_there())
            print_message("# %s: not here\n", kind->name);
        else
            assert_int_equal(
                isolate(cause_chaos, (unsigned)(chaos_ms() / 1000) + 60), 0);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_crashes_hangs_or_writes_a_bad_file),
    };

    if (argc != 2)
        return 2;
    plugin_path = argv[1];
    return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
