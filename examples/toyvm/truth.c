/* SPDX-License-Identifier: MIT */

#include "truth.h"

#include "memory.h"
#include "native.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct truth {
    struct truth *next;
    char thread[32];
    size_t current;
    uint64_t since_ns;
    uint64_t self_ns[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct truth *stopped;

static uint64_t
cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

size_t
truth_native(const struct program *program, const struct native *native)
{
    return program->function_count + (size_t)(native - natives);
}

size_t
truth_gc(const struct program *program)
{
    return program->function_count + native_count;
}

struct truth *
truth_start(const struct program *program, const char *thread, size_t index)
{
    size_t count = truth_gc(program) + 1;
    struct truth *truth = allocate(sizeof(*truth) + count * sizeof(uint64_t));

    snprintf(truth->thread, sizeof(truth->thread), "%s", thread);
    truth->current = index;
    truth->since_ns = cpu_ns();
    return truth;
}

void
truth_switch(struct truth *truth, size_t index)
{
    uint64_t now = cpu_ns();

    truth->self_ns[truth->current] += now - truth->since_ns;
    truth->since_ns = now;
    truth->current = index;
}

void
truth_stop(struct truth *truth)
{
    if (!truth)
        return;
    truth_switch(truth, truth->current);
    pthread_mutex_lock(&lock);
    truth->next = stopped;
    stopped = truth;
    pthread_mutex_unlock(&lock);
}

static void
print_string(const char *text, FILE *file)
{
    fputc('"', file);
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20)
            fprintf(file, "\\u%04x", (unsigned)*text);
        else if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else
            fputc(*text, file);
    }
    fputc('"', file);
}

/* The name in the profile: see full_name() in profile.c. */
static void
print_name(const struct program *program, size_t index, FILE *file)
{
    char name[VMPROF_NAME_SIZE] = "";

    if (index < program->function_count) {
        const struct function *function = program->functions[index];

        vmprof_format_name(name, sizeof(name), "toy", function->name,
                           (long)function->line, function->file);
        fputs("\"function\": ", file);
        print_string(function->name, file);
    } else {
        const char *short_name =
            index < truth_gc(program)
                ? natives[index - program->function_count].name
                : "garbage collector";

        vmprof_format_name(name, sizeof(name), "toy-native", short_name, 0, "");
        fputs("\"function\": ", file);
        print_string(short_name, file);
    }
    fputs(", \"name\": ", file);
    print_string(name, file);
}

/* "total_ns" and "functions": those that took time, in no special order. */
static void
print_shares(const struct program *program, const uint64_t *self_ns, FILE *file)
{
    size_t count = truth_gc(program) + 1;
    const char *comma = "";
    uint64_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += self_ns[i];
    fprintf(file, "\"total_ns\": %" PRIu64 ", \"functions\": [", total);
    for (size_t i = 0; i < count; i++) {
        if (self_ns[i] == 0)
            continue;
        fprintf(file, "%s{", comma);
        print_name(program, i, file);
        fprintf(file, ", \"self_ns\": %" PRIu64 ", \"share\": %.6f}",
                self_ns[i], (double)self_ns[i] / (double)total);
        comma = ", ";
    }
    fputs("]", file);
}

void
truth_print(const struct program *program, FILE *file)
{
    size_t count = truth_gc(program) + 1;
    uint64_t *sum = allocate(count * sizeof(*sum));
    const char *comma = "";
    struct truth *next;

    fputs("{\"threads\": [", file);
    for (; stopped; stopped = next) {
        next = stopped->next;
        for (size_t i = 0; i < count; i++)
            sum[i] += stopped->self_ns[i];
        fprintf(file, "%s{\"thread\": \"%s\", ", comma, stopped->thread);
        print_shares(program, stopped->self_ns, file);
        fputs("}", file);
        comma = ", ";
        free(stopped);
    }
    fputs("], ", file);
    print_shares(program, sum, file);
    fputs("}\n", file);
    free(sum);
}
