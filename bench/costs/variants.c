/* SPDX-License-Identifier: MIT */

/* The library's own ways. What is sampled is written to /dev/null. */

#include "variants.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <vmprof/vmprof.h>

static int
enable(struct vmprof_options *options, uint64_t interval_ns)
{
    int r;

    options->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (options->fd < 0)
        return -errno;
    options->interval = (double)interval_ns * 1e-9;
    r = vmprof_enable_with(options);
    close(options->fd);
    return r;
}

static struct vmprof_stats
disable_and_look(void)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    if (vmprof_disable() == 0)
        (void)!vmprof_get_stats(&stats);
    return stats;
}

static uint64_t
disable(void)
{
    return disable_and_look().samples;
}

/* Those that the VM took itself, lest signals pass for them. */
static uint64_t
disable_polled(void)
{
    return disable_and_look().polled;
}

static int
start_idle(uint64_t interval_ns)
{
    (void)interval_ns;
    return 0;
}

static uint64_t
stop_idle(void)
{
    return 0;
}

static int
start_signal(uint64_t interval_ns)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.clock = VMPROF_CLOCK_PERF;
    options.sampling = VMPROF_SAMPLING_SIGNAL;
    return enable(&options, interval_ns);
}

static int
start_polled(uint64_t interval_ns)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    return enable(&options, interval_ns);
}

static int
start_observed(uint64_t interval_ns)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.clock = VMPROF_CLOCK_OBSERVER;
    options.sampling = VMPROF_SAMPLING_SIGNAL;
    return enable(&options, interval_ns);
}

static int
start_wall(uint64_t interval_ns)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.mode = VMPROF_MODE_WALL;
    return enable(&options, interval_ns);
}

static int
start_copy(uint64_t interval_ns)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.clock = VMPROF_CLOCK_PERF;
    options.sampling = VMPROF_SAMPLING_SIGNAL;
    options.native = VMPROF_NATIVE_COPY;
    return enable(&options, interval_ns);
}

static int
start_frame_pointers(uint64_t interval_ns)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.clock = VMPROF_CLOCK_PERF;
    options.sampling = VMPROF_SAMPLING_SIGNAL;
    options.native = VMPROF_NATIVE_FRAME_POINTERS;
    return enable(&options, interval_ns);
}

static const struct variant own[] = {
    { "idle", start_idle, stop_idle },
    { "signal", start_signal, disable },
    { "polled", start_polled, disable_polled },
    { "observed", start_observed, disable },
    { "wall", start_wall, disable },
    { "native-copy", start_copy, disable },
    { "native-frame-pointers", start_frame_pointers, disable },
};

const struct variant *
find_variant(const char *name)
{
    static const struct variant *const others[] = {
        &variant_empty, &variant_rearmed, &variant_sleeper, &variant_gperftools
    };

    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (strcmp(own[i].name, name) == 0)
            return &own[i];
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strcmp(others[i]->name, name) == 0)
            return others[i];
    return NULL;
}
