/* SPDX-License-Identifier: MIT */

/*
 * How fast a vmprof log is read and summed by stack, on one core, from the page
 * cache, and how much memory that takes. The log is made up as an RPython VM
 * writes one: stacks of 12 frames, each with its kind, some far more frequent
 * than others. Given a size in megabytes, a log of that size (default 256).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "analyse/tree.h"
#include "format/varint.h"
#include "row.h"

enum {
    STACKS = 4000,
    DEPTH = 12,
    RUNS = 5,
    SAMPLE_SIZE = 1 + 8 + 8 + 2 * DEPTH * 8 + 8,
};

static uint64_t random_state = 88172645463325252;

static uint32_t
next_random(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * below >> 32);
}

static unsigned char *
put_word(unsigned char *at, uint64_t word)
{
    vmp_put_u32(at, (uint32_t)word);
    vmp_put_u32(at + 4, (uint32_t)(word >> 32));
    return at + 8;
}

static void
put_start(FILE *file)
{
    static const uint64_t words[] = { 0, 3, 0, 1000, 0 };
    unsigned char bytes[8];

    for (unsigned i = 0; i < 5; i++) {
        put_word(bytes, words[i]);
        fwrite(bytes, 1, sizeof(bytes), file);
    }
    fwrite("\5\0\6\10\4pypy", 1, 9, file);
}

static void
put_names(FILE *file)
{
    unsigned char head[17] = { 2 };
    char name[64];

    for (unsigned i = 1; i <= STACKS; i++) {
        const int size = snprintf(name, sizeof(name), "py:f%u:%u:x.py", i, i);

        put_word(put_word(head + 1, (uint64_t)i * 8), (uint64_t)size);
        fwrite(head, 1, sizeof(head), file);
        fwrite(name, 1, (size_t)size, file);
    }
}

/* A trunk of DEPTH - 1 frames below one of many leaves. */
static void
put_sample(FILE *file)
{
    unsigned char sample[SAMPLE_SIZE] = { 1 }, *at = sample + 1;
    const uint32_t leaf = next_random(1 + next_random(STACKS));

    at = put_word(put_word(at, 1), (uint64_t)2 * DEPTH);
    at = put_word(put_word(at, 1), (leaf + 1) * UINT64_C(8));
    for (unsigned i = 1; i < DEPTH; i++)
        at = put_word(put_word(at, 1), i * UINT64_C(8));
    put_word(at, 0);
    fwrite(sample, 1, sizeof(sample), file);
}

static void
write_file(FILE *file, uint64_t megabytes)
{
    const uint64_t samples = megabytes * 1000000 / SAMPLE_SIZE;

    put_start(file);
    put_names(file);
    for (uint64_t i = 0; i < samples; i++)
        put_sample(file);
}

static double
cpu_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int
read_once(const char *path, double *best)
{
    char message[256];
    struct profile profile;
    struct tree tree = { 0 };
    const double start = cpu_seconds();
    double rate;

    if (profile_read(&profile, path, NULL, tree_add, &tree, message,
                     sizeof(message)) ||
        tree_finish(&tree, &profile)) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    rate = (double)tree.samples / (cpu_seconds() - start) * 1e-6;
    if (rate > *best)
        *best = rate;
    tree_free(&tree);
    profile_free(&profile);
    return 0;
}

int
main(int argc, char **argv)
{
    const uint64_t megabytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 256;
    char path[] = "/tmp/vmprof-bench-XXXXXX";
    const int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    struct rusage usage;
    double best = 0, mebibytes;
    char measured[40];
    int result;

    if (!file) {
        perror(path);
        return 1;
    }
    write_file(file, megabytes);
    result = fclose(file) != 0;
    for (unsigned i = 0; i < RUNS && !result; i++)
        result = read_once(path, &best);
    unlink(path);
    getrusage(RUSAGE_SELF, &usage);
    mebibytes = (double)usage.ru_maxrss / 1024;
    printf("reading a vmprof log: %.1f million samples/s of %d bytes, "
           "%.1f MiB resident at most\n",
           best, SAMPLE_SIZE, mebibytes);
    snprintf(measured, sizeof(measured), "%.1f million/s", best);
    bench_row("vmprof log: samples read and summed, one core", measured,
              "best of 5", "12 million/s", "", best >= 12);
    snprintf(measured, sizeof(measured), "%.1f MiB", mebibytes);
    bench_row("vmprof log: memory of that, the whole process", measured,
              "4000 stacks", "64 MiB", "", mebibytes <= 64);
    return result;
}
