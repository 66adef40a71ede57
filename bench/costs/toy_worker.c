/* SPDX-License-Identifier: MIT */

/*
 * toy_worker PROGRAM: the toy VM, which does the same work again and again,
 * profiled as it is told. Reads lines "VARIANT RATE THREADS ARGUMENT...", runs
 * the program, whose threads print what they measured, and ends each with a line
 * of JSON: the samples, what the program and the profiler's threads used, the time
 * that passed.
 */

#include "compiler.h"
#include "events.h"
#include "profile.h"
#include "text.h"
#include "thread.h"
#include "variants.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MOST_WORDS = 16,
};

static uint64_t
clock_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) < 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool
is_profilers(const char *tid)
{
    char path[64], name[32] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", tid);
    file = fopen(path, "r");
    if (!file)
        return false;
    if (!fgets(name, sizeof(name), file))
        name[0] = '\0';
    fclose(file);
    return strncmp(name, "vmprof-", 7) == 0;
}

/* CPU time of the threads that the profiler started, by their clocks. */
static uint64_t
profiler_ns(void)
{
    enum {
        PER_THREAD_SCHED = 6, /* the kernel's clock number for one thread */
    };
    DIR *const tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    uint64_t sum_ns = 0;

    while (tasks && (entry = readdir(tasks)))
        if (entry->d_name[0] != '.' && is_profilers(entry->d_name))
            sum_ns += clock_ns(
                (clockid_t)(~(unsigned)strtoul(entry->d_name, NULL, 10) << 3 |
                            PER_THREAD_SCHED));
    if (tasks)
        closedir(tasks);
    return sum_ns;
}

static bool
run(const struct program *program, char **words, size_t count)
{
    const struct variant *const variant = find_variant(words[0]);
    const double rate = strtod(words[1], NULL);
    uint64_t start_ns, wall_ns, cpu_ns, own_ns, samples;
    bool ran;
    int r;

    if (!variant)
        return false;
    r = variant->start((uint64_t)(1e9 / rate));
    if (r < 0) {
        printf("{\"error\": \"%s\"}\n", strerror(-r));
        return true;
    }
    start_ns = clock_ns(CLOCK_MONOTONIC);
    cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    ran = thread_run(program, words + 3, count - 3, 0, NULL,
                     strtoul(words[2], NULL, 10));
    wall_ns = clock_ns(CLOCK_MONOTONIC) - start_ns;
    own_ns = profiler_ns();
    cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns - own_ns;
    samples = variant->stop();
    printf("{\"samples\": %" PRIu64 ", \"cpu_ns\": %" PRIu64
           ", \"profiler_ns\": %" PRIu64 ", \"wall_ns\": %" PRIu64 "}\n",
           samples, cpu_ns, own_ns, wall_ns);
    return ran;
}

static struct program *
load(const char *name)
{
    static char source[65536];
    char message[256];
    FILE *const file = fopen(name, "r");
    struct program *program;

    if (!file || fread(source, 1, sizeof(source) - 1, file) == 0) {
        perror(name);
        return NULL;
    }
    fclose(file);
    program = compile(name, source, message, sizeof(message));
    if (!program)
        fprintf(stderr, "%s\n", message);
    return program;
}

int
main(int argc, char **argv)
{
    struct program *const program = argc == 2 ? load(argv[1]) : NULL;
    char line[256], *words[MOST_WORDS];

    if (!program || profile_init() < 0 || profile_add_program(program) < 0)
        return 2;
    events_init();
    events_add_program(program);
    while (fgets(line, sizeof(line), stdin)) {
        size_t count = 0;

        for (char *word = strtok(line, " \n"); word && count < MOST_WORDS;
             word = strtok(NULL, " \n"))
            words[count++] = word;
        if (count < 3 || !run(program, words, count))
            return 2;
        fflush(stdout);
    }
    events_remove_program();
    profile_remove_program(program);
    program_free(program);
    return 0;
}
