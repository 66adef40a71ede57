/* SPDX-License-Identifier: MIT */

/*
 * How fast a native file is read and summed by stack, as `vmprof report` does
 * it, on one core, from the page cache. The file is made up: stacks of 12 or 50
 * frames, some far more frequent than others, jittered times, and now and then
 * a weight that differs from its time, as of a thread that does not run all the
 * time.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyse/tree.h"
#include "format/chunk.h"
#include "format/varint.h"
#include "rounds.h"
#include "row.h"

enum {
    STACKS = 4000,
    CHUNK_SAMPLES = 8000,
    RUNS = 20,
};

static struct vmp_chunk chunk;
static uint32_t chunk_number;
static uint64_t random_state = 88172645463325252;

static uint32_t
next_random(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * below >> 32);
}

static void
put_chunk(FILE *file, enum vmp_chunk_type type)
{
    const size_t size = vmp_chunk_finish(&chunk, 1, chunk_number++, type);

    fwrite(chunk.bytes, 1, size, file);
    chunk.used = 0;
}

static void
put_session(FILE *file)
{
    vmp_chunk_number_field(&chunk, VMP_SESSION_VERSION, 1);
    vmp_chunk_number_field(&chunk, VMP_SESSION_TIME_UNIT, 15625);
    vmp_chunk_number_field(&chunk, VMP_SESSION_INTERVAL_NS, 1000000);
    put_chunk(file, VMP_CHUNK_SESSION);
}

static void
put_codes(FILE *file)
{
    char name[64];

    vmp_chunk_varint(&chunk, 100);
    for (unsigned i = 1; i <= 100; i++) {
        const int size = snprintf(name, sizeof(name), "b:f%u:%u:x.b", i, i);
        vmp_chunk_varint(&chunk, i);
        vmp_chunk_string(&chunk, name, (size_t)size);
    }
    put_chunk(file, VMP_CHUNK_CODES);
    vmp_chunk_varint(&chunk, 1);
    vmp_chunk_varint(&chunk, STACKS);
    for (unsigned i = 0; i < STACKS; i++) {
        vmp_chunk_varint(&chunk, 1 + i % 100);
        vmp_chunk_varint(&chunk, 1 | VMP_FRAME_HAS_LINE);
        vmp_chunk_varint(&chunk, i);
    }
    put_chunk(file, VMP_CHUNK_FRAMES);
}

/* A trunk of one frame less than the depth, and many leaves on it. */
static void
put_nodes(FILE *file, unsigned depth)
{
    vmp_chunk_varint(&chunk, 1);
    vmp_chunk_varint(&chunk, STACKS);
    for (unsigned i = 1; i <= STACKS; i++) {
        const unsigned parent = i < depth ? i - 1 : depth - 1;
        vmp_chunk_varint(&chunk, i - parent);
        vmp_chunk_varint(&chunk, i);
    }
    put_chunk(file, VMP_CHUNK_NODES);
}

static void
put_samples(FILE *file, unsigned depth, uint64_t *time)
{
    vmp_chunk_varint(&chunk, 0);
    vmp_chunk_varint(&chunk, CHUNK_SAMPLES);
    vmp_chunk_varint(&chunk, *time);
    for (unsigned i = 0; i < CHUNK_SAMPLES; i++) {
        const uint32_t elapsed = 32 + next_random(64);
        const uint32_t most = 1 + next_random(STACKS - depth);
        const uint64_t node = 1 + depth + next_random(most);
        const bool weighs = next_random(10) == 0;

        vmp_chunk_varint(&chunk, (node + 1) << 1 | weighs);
        vmp_chunk_varint(&chunk, elapsed);
        if (weighs)
            vmp_chunk_varint(&chunk, vmp_zigzag((int64_t)next_random(4) - 2));
        *time += elapsed;
    }
    put_chunk(file, VMP_CHUNK_SAMPLES);
}

static void
write_file(FILE *file, unsigned depth, uint64_t samples)
{
    uint64_t time = 0;

    chunk_number = 0;
    put_session(file);
    put_codes(file);
    put_nodes(file, depth);
    for (uint64_t i = 0; i < samples; i += CHUNK_SAMPLES)
        put_samples(file, depth, &time);
}

static double
cpu_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Sets `rate`, in millions a second, and `size`, of a sample in bytes. */
static int
read_once(const char *path, double *rate, double *size)
{
    const struct read_options options = { .summed = true };
    char message[256];
    struct profile profile;
    struct tree tree = { 0 };
    const double start = cpu_seconds();

    if (profile_read(&profile, path, &options, tree_add, &tree, message,
                     sizeof(message)) ||
        tree_finish(&tree, &profile)) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    *rate = (double)tree.samples / (cpu_seconds() - start) * 1e-6;
    *size = (double)profile.file_size / (double)tree.samples;
    tree_free(&tree);
    profile_free(&profile);
    return 0;
}

static void
print_rates(unsigned depth, double *rates, double size)
{
    char what[64], measured[40], spread[40];
    double median;

    sort(rates, RUNS);
    median = (rates[RUNS / 2 - 1] + rates[RUNS / 2]) / 2;
    printf("depth %u: %.1f million samples/s of %.2f bytes, %.1f to %.1f\n",
           depth, median, size, rates[0], rates[RUNS - 1]);
    snprintf(what, sizeof(what), "samples read and summed, one core, depth %u",
             depth);
    snprintf(measured, sizeof(measured), "%.0f million/s", median);
    snprintf(spread, sizeof(spread), "%.0f–%.0f", rates[0], rates[RUNS - 1]);
    bench_row(what, measured, spread, "100 million/s", "", median >= 100);
}

static int
measure(unsigned depth, uint64_t samples)
{
    char path[] = "/tmp/vmprof-bench-XXXXXX";
    const int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    double rates[RUNS], size = 0;
    int result;

    if (!file) {
        perror(path);
        return 1;
    }
    write_file(file, depth, samples);
    result = fclose(file) != 0;
    for (unsigned i = 0; i < RUNS && !result; i++)
        result = read_once(path, &rates[i], &size);
    unlink(path);
    if (!result)
        print_rates(depth, rates, size);
    return result;
}

int
main(int argc, char **argv)
{
    const uint64_t samples = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;

    return measure(12, samples) || measure(50, samples);
}
