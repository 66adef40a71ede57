/* SPDX-License-Identifier: MIT */

#include "hit_counters.h"

#include <stdlib.h>

#include "classes.h"

enum {
    BUCKETS = 256,
};

struct vmp_code_counters {
    struct vmp_code_counters *next; /* of the same bucket */
    uint64_t code;
    size_t count;
    uint64_t *taken; /* of each value */
    uint64_t values[];
};

static struct vmp_code_counters **
bucket_of(const struct vmp_hit_counters *counters, uint64_t code)
{
    return &counters->buckets[code / 4 % BUCKETS];
}

static struct vmp_code_counters *
find(const struct vmp_hit_counters *counters, uint64_t code)
{
    struct vmp_code_counters *found;

    if (!counters->buckets)
        return NULL;
    found = *bucket_of(counters, code);
    while (found && found->code != code)
        found = found->next;
    return found;
}

static struct vmp_code_counters *
make(struct vmp_hit_counters *counters, uint64_t code, size_t count)
{
    struct vmp_code_counters *made;

    if (!counters->buckets)
        counters->buckets = calloc(BUCKETS, sizeof(struct vmp_code_counters *));
    if (!counters->buckets)
        return NULL;
    made = calloc(1, sizeof(*made) + 2 * count * sizeof(*made->values));
    if (!made)
        return NULL;
    made->code = code;
    made->count = count;
    made->taken = made->values + count;
    made->next = *bucket_of(counters, code);
    *bucket_of(counters, code) = made;
    counters->count += count;
    return made;
}

uint64_t *
vmp_hit_counters_get(struct vmp_hit_counters *counters, uint64_t code,
                     size_t count, size_t most)
{
    struct vmp_code_counters *found = find(counters, code);

    if (!found && counters->count <= most && count <= most - counters->count)
        found = make(counters, code, count);
    return found && found->count >= count ? found->values : NULL;
}

static uint64_t
hits_of(const struct vmp_code_counters *code, size_t index)
{
    return __atomic_load_n(&code->values[index], __ATOMIC_RELAXED) -
           code->taken[index];
}

static size_t
count_busy(const struct vmp_code_counters *code)
{
    size_t busy = 0;

    for (size_t i = 0; i < code->count; i++)
        busy += hits_of(code, i) != 0;
    return busy;
}

size_t
vmp_hit_counters_busy_of(const struct vmp_hit_counters *counters, uint64_t code)
{
    const struct vmp_code_counters *const found = find(counters, code);

    return found ? count_busy(found) : 0;
}

size_t
vmp_hit_counters_busy(const struct vmp_hit_counters *counters)
{
    size_t busy = 0;

    for (size_t i = 0; counters->buckets && i < BUCKETS; i++)
        for (struct vmp_code_counters *c = counters->buckets[i]; c; c = c->next)
            busy += count_busy(c);
    return busy;
}

static void
take(struct vmp_code_counters *code, struct vmp_table *to)
{
    for (size_t i = 0; i < code->count; i++) {
        const uint64_t hits = hits_of(code, i);
        struct vmp_known_hits known;

        if (!hits)
            continue;
        known = vmp_interp_known(code->code, i);
        if (vmp_table_add_hits(to, &known, hits))
            code->taken[i] += hits;
    }
}

void
vmp_hit_counters_take_of(struct vmp_hit_counters *counters,
                         struct vmp_table *to, uint64_t code)
{
    struct vmp_code_counters *const found = find(counters, code);

    if (found)
        take(found, to);
}

void
vmp_hit_counters_take(struct vmp_hit_counters *counters, struct vmp_table *to)
{
    for (size_t i = 0; counters->buckets && i < BUCKETS; i++)
        for (struct vmp_code_counters *c = counters->buckets[i]; c; c = c->next)
            take(c, to);
}

void
vmp_hit_counters_drop(struct vmp_hit_counters *counters)
{
    for (size_t i = 0; counters->buckets && i < BUCKETS; i++)
        for (struct vmp_code_counters *c = counters->buckets[i]; c; c = c->next)
            for (size_t j = 0; j < c->count; j++)
                c->taken[j] += hits_of(c, j);
}

void
vmp_hit_counters_forget(struct vmp_hit_counters *counters, uint64_t code)
{
    struct vmp_code_counters *const found = find(counters, code);
    struct vmp_code_counters **link;

    if (!found)
        return;
    link = bucket_of(counters, code);
    while (*link != found)
        link = &(*link)->next;
    *link = found->next;
    counters->count -= found->count;
    free(found);
}

void
vmp_hit_counters_free(struct vmp_hit_counters *counters)
{
    for (size_t i = 0; counters->buckets && i < BUCKETS; i++) {
        struct vmp_code_counters *c = counters->buckets[i], *next;

        for (; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    free(counters->buckets);
    *counters = (struct vmp_hit_counters){ 0 };
}
