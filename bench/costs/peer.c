/* SPDX-License-Identifier: MIT */

/* gperftools' CPU profiler, if it is installed. CPUPROFILE_FREQUENCY has to be
 * set before the program starts; the interval given here is not looked at. */

#include "variants.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <time.h>

/* Of gperftools/profiler.h. */
struct profiler_state {
    int enabled;
    time_t start_time;
    char profile_name[1024];
    int samples_gathered;
};

static int (*profiler_start)(const char *file);
static void (*profiler_stop)(void);
static void (*profiler_state)(struct profiler_state *state);

static int
start(uint64_t interval_ns)
{
    void *const library = dlopen("libprofiler.so.0", RTLD_NOW);

    (void)interval_ns;
    if (!library)
        return -ENOPKG;
    *(void **)&profiler_start = dlsym(library, "ProfilerStart");
    *(void **)&profiler_stop = dlsym(library, "ProfilerStop");
    *(void **)&profiler_state = dlsym(library, "ProfilerGetCurrentState");
    if (!profiler_start || !profiler_stop || !profiler_state)
        return -ENOSYS;
    return profiler_start("/dev/null") ? 0 : -EIO;
}

static uint64_t
stop(void)
{
    struct profiler_state state = { 0 };

    profiler_state(&state);
    profiler_stop();
    return (uint64_t)state.samples_gathered;
}

const struct variant variant_gperftools = { "gperftools", start, stop };
