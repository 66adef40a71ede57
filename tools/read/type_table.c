/* SPDX-License-Identifier: MIT */

#include "type_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

/* Sums that a file could make overflow stay at the largest number. */
static void
add(uint64_t *to, uint64_t number)
{
    *to = *to > UINT64_MAX - number ? UINT64_MAX : *to + number;
}

static int64_t
add_word(struct type_table *table, struct profile *profile, const char *text)
{
    bool is_new;
    int64_t index;

    if (!text || grow_array((void **)&profile->words, &table->word_capacity,
                            profile->word_count, sizeof(*profile->words)))
        return -ENOMEM;
    index = vmp_intern(&table->words, (uintptr_t)text, 0, &is_new);
    if (index < 0)
        return -ENOMEM;
    if (is_new)
        profile->words[profile->word_count++] = text;
    return index;
}

static int
add_fixed_words(struct type_table *table, struct profile *profile)
{
    static const char *const fixed[] = {
        [WORD_NULL] = "<NULL>",
        [WORD_LOST] = "[unknown]",
    };

    for (uint32_t i = profile->word_count; i <= WORD_LOST; i++)
        if (add_word(table, profile,
                     store_text(profile, fixed[i], strlen(fixed[i]))) < 0)
            return -ENOMEM;
    return 0;
}

int64_t
type_table_word(struct type_table *table, struct profile *profile,
                const void *text, size_t size)
{
    if (add_fixed_words(table, profile))
        return -ENOMEM;
    return add_word(table, profile, store_text(profile, text, size));
}

int
type_table_readout(struct type_table *table, struct profile *profile,
                   const struct readout *readout)
{
    const struct readout *last = NULL;

    if (add_fixed_words(table, profile))
        return -ENOMEM;
    if (profile->readout_count)
        last = &profile->readouts[profile->readout_count - 1];
    if (last && last->session == readout->session &&
        last->time_ns == readout->time_ns &&
        last->from_ns == readout->from_ns && last->period == readout->period &&
        last->jitter == readout->jitter)
        return 0;
    if (grow_array((void **)&profile->readouts, &table->readout_capacity,
                   profile->readout_count, sizeof(*profile->readouts)))
        return -ENOMEM;
    profile->readouts[profile->readout_count++] = *readout;
    return 0;
}

/* A number for what tells sites apart, or -ENOMEM. */
static int64_t
find_site(struct type_table *table, const struct type_row *row)
{
    const struct type_site *site = &row->site;
    const bool is_lost = site->has_code && site->code == CODE_UNKNOWN;
    bool is_new;
    int64_t index;

    if (is_lost)
        index = vmp_intern(&table->codes, row->session | 1ull << 63,
                           row->code_id, &is_new);
    else
        index = vmp_intern(&table->codes, site->code, site->hash, &is_new);
    if (index >= 0)
        index =
            vmp_intern(&table->places, (uint64_t)index, site->offset, &is_new);
    if (index >= 0)
        index =
            vmp_intern(&table->sites, (uint64_t)index,
                       (uint64_t)site->opcode << 1 | site->has_place, &is_new);
    return index;
}

static void
add_hits(struct type_site *site, const struct type_site *row)
{
    add(&site->hits, row->other);
    add(&site->hits, row->untyped);
    add(&site->other, row->other);
    add(&site->untyped, row->untyped);
    add(&site->bytecodes, row->bytecodes);
    if (row->line)
        site->line = row->line;
    if (*row->opcode_name)
        site->opcode_name = row->opcode_name;
}

int64_t
type_table_row(struct type_table *table, struct profile *profile,
               const struct type_row *row)
{
    const int64_t index = find_site(table, row);
    struct type_site *site;

    if (index < 0 ||
        grow_array((void **)&profile->type_sites, &table->site_capacity,
                   (uint32_t)index, sizeof(*profile->type_sites)))
        return -ENOMEM;
    site = &profile->type_sites[index];
    if (index == profile->type_site_count) {
        *site = row->site;
        site->hits = site->typed = site->other = 0;
        site->untyped = site->bytecodes = 0;
        profile->type_site_count++;
    }
    add_hits(site, &row->site);
    profile->type_row_count++;
    return index;
}

/* A number for a list of words: that of all but the last, and this. */
static int64_t
find_list(struct type_table *table, const struct type_tuple *tuple)
{
    bool is_new;
    int64_t list = 0;

    for (uint32_t i = 0; i < tuple->count && list >= 0; i++) {
        list =
            vmp_intern(&table->lists, (uint64_t)list, tuple->words[i], &is_new);
        list += list >= 0; /* 0 is the empty list */
    }
    return list;
}

int
type_table_tuple(struct type_table *table, struct profile *profile,
                 const struct type_tuple *tuple)
{
    struct type_site *site = &profile->type_sites[tuple->site];
    bool is_new;
    int64_t index = find_list(table, tuple);

    if (index < 0 ||
        grow_array((void **)&profile->type_tuples, &table->tuple_capacity,
                   profile->type_tuple_count, sizeof(*profile->type_tuples)))
        return -ENOMEM;
    index = vmp_intern(&table->tuples, tuple->site, (uint64_t)index, &is_new);
    if (index < 0)
        return -ENOMEM;
    if (is_new)
        profile->type_tuples[profile->type_tuple_count++] = *tuple;
    else
        add(&profile->type_tuples[index].hits, tuple->hits);
    add(&site->typed, tuple->hits);
    add(&site->hits, tuple->hits);
    return 0;
}

static int
compare(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

static int
compare_sites(const void *a, const void *b, void *user)
{
    const struct profile *profile = user;
    const struct type_site *left = &profile->type_sites[*(const uint32_t *)a];
    const struct type_site *right = &profile->type_sites[*(const uint32_t *)b];
    int order =
        compare(profile->codes[left->code].id, profile->codes[right->code].id);

    if (!order)
        order = compare(left->code, right->code);
    if (!order)
        order = compare(left->hash, right->hash);
    if (!order)
        order = compare(left->offset, right->offset);
    if (!order)
        order = compare(left->opcode, right->opcode);
    return order ? order : compare(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* Sorts the sites, and has their tuples point to where they are now. */
static int
sort_sites(struct profile *profile)
{
    const uint32_t count = profile->type_site_count;
    uint32_t *order = calloc(count, sizeof(*order));
    uint32_t *place = calloc(count, sizeof(*place));
    struct type_site *sorted = calloc(count, sizeof(*sorted));
    const bool done = order && place && sorted;

    for (uint32_t i = 0; done && i < count; i++)
        order[i] = i;
    if (done)
        qsort_r(order, count, sizeof(*order), compare_sites, profile);
    for (uint32_t i = 0; done && i < count; i++) {
        sorted[i] = profile->type_sites[order[i]];
        place[order[i]] = i;
    }
    for (uint32_t i = 0; done && i < profile->type_tuple_count; i++)
        profile->type_tuples[i].site = place[profile->type_tuples[i].site];
    if (done)
        memcpy(profile->type_sites, sorted, count * sizeof(*sorted));
    free(order);
    free(place);
    free(sorted);
    return done ? 0 : -ENOMEM;
}

static int
compare_tuples(const void *a, const void *b)
{
    const struct type_tuple *left = a, *right = b;
    int order = compare(left->site, right->site);

    if (!order)
        order = compare(right->hits, left->hits);
    if (!order)
        order = compare(left->count, right->count);
    for (uint32_t i = 0; !order && i < left->count; i++)
        order = compare(left->words[i], right->words[i]);
    return order;
}

int
type_table_finish(struct profile *profile)
{
    if (!profile->type_site_count)
        return 0;
    if (sort_sites(profile))
        return -ENOMEM;
    /* So that a site without tuples has a place to point to. */
    if (!profile->type_tuples)
        profile->type_tuples = calloc(1, sizeof(*profile->type_tuples));
    if (!profile->type_tuples)
        return -ENOMEM;
    if (profile->type_tuple_count)
        qsort(profile->type_tuples, profile->type_tuple_count,
              sizeof(*profile->type_tuples), compare_tuples);
    for (uint32_t i = profile->type_tuple_count; i-- > 0;) {
        struct type_site *site =
            &profile->type_sites[profile->type_tuples[i].site];

        site->first_tuple = i;
        site->tuple_count++;
    }
    return 0;
}

void
type_table_free(struct type_table *table)
{
    vmp_intern_free(&table->codes);
    vmp_intern_free(&table->places);
    vmp_intern_free(&table->sites);
    vmp_intern_free(&table->lists);
    vmp_intern_free(&table->tuples);
    vmp_intern_free(&table->words);
}
