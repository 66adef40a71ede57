/* SPDX-License-Identifier: MIT */

/* What a profile holds, in the words of a vmprof log: a reader of version 6,
 * strict, written from doc/format.md. */
#ifndef SEEN_H
#define SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEEN_MOST_METAS = 64,
};

struct seen_sample {
    uint64_t thread, memory_kb;
    size_t depth;    /* words, two for each frame */
    uint64_t *words; /* kind and value, innermost first */
};

struct seen_name {
    uint64_t id;
    char *name;
};

struct seen {
    unsigned mode;
    uint64_t period_us;
    char vm_name[256];
    char *metas[SEEN_MOST_METAS][2];
    size_t meta_count;
    struct seen_sample *samples;
    size_t sample_count;
    struct seen_name *names;
    size_t name_count;
    bool ended;
};

/* Read all of a file; a mistake in it ends the test. */
void
see(struct seen *seen, int fd);
void
seen_free(struct seen *seen);

/* The name of an id; "" if it has none. */
const char *
seen_name(const struct seen *seen, uint64_t id);

/* The id of the code that rpython_register() gave this name; 0: none. */
uint64_t
seen_id(const struct seen *seen, const char *name);

/* The share of samples in which that code is innermost, in percent. */
double
seen_share(const struct seen *seen, uint64_t id);

#endif
