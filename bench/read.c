/* SPDX-License-Identifier: MIT */

/*
 * How fast a native file is read and summed by stack, on one core, from the
 * page cache. The file is made up: stacks of 12 frames, some far more frequent
 * than others, jittered times, and now and then a weight that differs from its
 * time, as of a thread that does not run all the time.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyse/tree.h"
#include "format/chunk.h"
#include "format/varint.h"
#include "row.h"

enum {
    STACKS = 4000,
    DEPTH = 12,
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

/* A trunk of DEPTH - 1 frames, and many leaves on it. */
static void
put_nodes(FILE *file)
{
    vmp_chunk_varint(&chunk, 1);
    vmp_chunk_varint(&chunk, STACKS);
    for (unsigned i = 1; i <= STACKS; i++) {
        const unsigned parent = i < DEPTH ? i - 1 : DEPTH - 1;
        vmp_chunk_varint(&chunk, i - parent);
        vmp_chunk_varint(&chunk, i);
    }
    put_chunk(file, VMP_CHUNK_NODES);
}

static void
put_samples(FILE *file, uint64_t *time)
{
    vmp_chunk_varint(&chunk, 0);
    vmp_chunk_varint(&chunk, CHUNK_SAMPLES);
    vmp_chunk_varint(&chunk, *time);
    for (unsigned i = 0; i < CHUNK_SAMPLES; i++) {
        const uint32_t elapsed = 32 + next_random(64);
        const uint32_t most = 1 + next_random(STACKS - DEPTH);
        const uint64_t node = 1 + DEPTH + next_random(most);
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
write_file(FILE *file, uint64_t samples)
{
    uint64_t time = 0;

    put_session(file);
    put_codes(file);
    put_nodes(file);
    for (uint64_t i = 0; i < samples; i += CHUNK_SAMPLES)
        put_samples(file, &time);
}

static double
cpu_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int
read_once(const char *path, double *best, double *size)
{
    const struct read_options options = { .summed = true };
    char message[256];
    struct profile profile;
    struct tree tree = { 0 };
    const double start = cpu_seconds();
    double rate;

    if (profile_read(&profile, path, &options, tree_add, &tree, message,
                     sizeof(message)) ||
        tree_finish(&tree, &profile)) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    rate = (double)tree.samples / (cpu_seconds() - start) * 1e-6;
    if (rate > *best)
        *best = rate;
    *size = (double)profile.file_size / (double)tree.samples;
    tree_free(&tree);
    profile_free(&profile);
    return 0;
}

int
main(int argc, char **argv)
{
    const uint64_t samples = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
    char path[] = "/tmp/vmprof-bench-XXXXXX";
    const int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    double best = 0, size = 0;
    char measured[40];
    int result = 0;

    if (!file) {
        perror(path);
        return 1;
    }
    write_file(file, samples);
    result = fclose(file) != 0;
    for (unsigned i = 0; i < RUNS && !result; i++)
        result = read_once(path, &best, &size);
    unlink(path);
    printf("reading a native file: %.1f million samples/s of %.2f bytes\n",
           best, size);
    snprintf(measured, sizeof(measured), "%.1f million/s", best);
    bench_row("samples read and summed, one core", measured, "best of 20",
              "100 million/s", "", best >= 100);
    return result;
}
