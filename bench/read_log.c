/* SPDX-License-Identifier: MIT */

/*
 * What read_log.py runs:
 *
 *   make FILE MEGABYTES   a vmprof log as an RPython VM writes one: stacks of 12
 *                         frames, each with its kind, some far more frequent
 *                         than others
 *   read FILE             read and summed by stack, as `vmprof report` does it;
 *                         prints the samples, the CPU time in seconds and the
 *                         most memory that was resident, in KiB
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "analyse/tree.h"
#include "format/varint.h"

enum {
    STACKS = 4000,
    DEPTH = 12,
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

/* The time, as at the start, and the zone. */
static void
put_end(FILE *file)
{
    unsigned char end[1 + 24] = { 3 };

    memcpy(put_word(put_word(end + 1, 1700000000), 0), "UTC", 3);
    fwrite(end, 1, sizeof(end), file);
}

static void
write_file(FILE *file, uint64_t megabytes)
{
    const uint64_t samples = megabytes * 1000000 / SAMPLE_SIZE;

    put_start(file);
    put_names(file);
    for (uint64_t i = 0; i < samples; i++)
        put_sample(file);
    put_end(file);
}

static double
cpu_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int
make(const char *path, uint64_t megabytes)
{
    FILE *file = fopen(path, "w");

    if (!file) {
        perror(path);
        return 1;
    }
    write_file(file, megabytes);
    if (fclose(file) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

static int
read_it(const char *path)
{
    const struct read_options options = { .summed = true };
    char message[256];
    struct profile profile;
    struct tree tree = { 0 };
    struct rusage usage;

    if (profile_read(&profile, path, &options, tree_add, &tree, message,
                     sizeof(message)) ||
        tree_finish(&tree, &profile)) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%" PRIu64 " %.6f %ld\n", tree.samples, cpu_seconds(),
           usage.ru_maxrss);
    tree_free(&tree);
    profile_free(&profile);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(argv[2], strtoull(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        return read_it(argv[2]);
    fprintf(stderr, "usage: %s make FILE MEGABYTES | read FILE\n", argv[0]);
    return 2;
}
