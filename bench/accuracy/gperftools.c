/* SPDX-License-Identifier: MIT */

/*
 * The same program under gperftools' CPU profiler, if that is installed. Its
 * file is a row of words: a header of five, then for each stack a count, a depth
 * and return addresses, innermost first.
 */

#include "accuracy.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    HEADER_WORDS = 5,
    PERIOD_US = 3,
};

static char path[] = "/tmp/vmprof-gperftools-XXXXXX";
static int (*profiler_start)(const char *file);
static void (*profiler_stop)(void);
static void (*register_thread)(void);

static bool
load(void)
{
    void *const library = dlopen("libprofiler.so.0", RTLD_NOW);

    if (!library)
        return false;
    *(void **)&profiler_start = dlsym(library, "ProfilerStart");
    *(void **)&profiler_stop = dlsym(library, "ProfilerStop");
    *(void **)&register_thread = dlsym(library, "ProfilerRegisterThread");
    return profiler_start && profiler_stop && register_thread;
}

static int
start(const struct plan *plan)
{
    char rate[32];
    int fd;

    snprintf(rate, sizeof(rate), "%.0f", 1e9 / (double)plan->interval_ns);
    setenv("CPUPROFILE_FREQUENCY", rate, 1);
    if (!load())
        return -ENOPKG;
    fd = mkstemp(path);
    if (fd < 0)
        return -errno;
    close(fd);
    return profiler_start(path) ? 0 : -EIO;
}

static enum function
function_of(const uintptr_t *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const enum function function = function_at(addresses[i]);
        if (function != FUNCTION_COUNT)
            return function;
    }
    /* All that is left is the loop, and starting and ending. */
    return FUNCTION_RUN;
}

static void
read_stacks(FILE *profile, uint64_t period_ns, struct outcome *outcome)
{
    uintptr_t word[2], addresses[256];

    while (fread(word, sizeof(*word), 2, profile) == 2 && word[0] &&
           word[1] <= sizeof(addresses) / sizeof(*addresses) &&
           fread(addresses, sizeof(*addresses), word[1], profile) == word[1]) {
        outcome->samples += word[0];
        outcome->squares +=
            (double)word[0] * (double)period_ns * (double)period_ns;
        outcome->found_ns[function_of(addresses, word[1])] +=
            word[0] * period_ns;
    }
}

static int
stop(const struct plan *plan, struct outcome *outcome)
{
    uintptr_t header[HEADER_WORDS];
    FILE *profile;
    int r = -EBADMSG;

    (void)plan;
    profiler_stop();
    profile = fopen(path, "r");
    unlink(path);
    if (!profile)
        return -errno;
    if (fread(header, sizeof(*header), HEADER_WORDS, profile) == HEADER_WORDS &&
        header[1] == 3) {
        read_stacks(profile, header[PERIOD_US] * 1000, outcome);
        r = 0;
    }
    fclose(profile);
    return r;
}

static void
join(void)
{
    register_thread();
}

const struct engine gperftools = { "gperftools", start, stop, join };
