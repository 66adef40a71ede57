/* SPDX-License-Identifier: MIT */

#include "types_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "types_change.h"
#include "types_match.h"

static int
make_room(void **array, uint32_t *capacity, uint32_t count, size_t size)
{
    const uint32_t more = *capacity ? *capacity * 2 : 16;
    void *bigger;

    if (count < *capacity)
        return 0;
    bigger = reallocarray(*array, more, size);
    if (!bigger)
        return -ENOMEM;
    *array = bigger;
    *capacity = more;
    return 0;
}

static int
add_sites(struct types_diff *diff, struct site_change change)
{
    change.change = types_change(diff, change.before, change.after);
    if (change.change == CHANGES)
        return 0;
    diff->counts[change.change]++;
    if (change.change >= CHANGE_NONE)
        return 0;
    if (make_room((void **)&diff->sites, &diff->site_capacity, diff->site_count,
                  sizeof(*diff->sites)))
        return -ENOMEM;
    diff->sites[diff->site_count++] = change;
    return 0;
}

static int
compare_places(const struct type_site *left, const struct type_site *right)
{
    const int order = compare_numbers(left->offset, right->offset);

    if (left->has_place != right->has_place)
        return left->has_place ? 1 : -1;
    return order ? order : compare_numbers(left->opcode, right->opcode);
}

/* Either may be NULL. */
static int
compare_groups(struct types_diff *diff, const struct type_group *before,
               const struct type_group *after)
{
    const struct type_site *left = diff->before.profile->type_sites;
    const struct type_site *right = diff->after.profile->type_sites;
    uint32_t i = 0, j = 0;
    const uint32_t left_count = before ? before->count : 0;
    const uint32_t right_count = after ? after->count : 0;
    int result = 0;

    left += before ? before->first : 0;
    right += after ? after->first : 0;
    while ((i < left_count || j < right_count) && !result) {
        const int order = i == left_count ? 1
                          : j == right_count
                              ? -1
                              : compare_places(&left[i], &right[j]);

        result = add_sites(diff, (struct site_change){
                                     .before_group = before,
                                     .after_group = after,
                                     .before = order <= 0 ? &left[i] : NULL,
                                     .after = order >= 0 ? &right[j] : NULL,
                                 });
        i += order <= 0;
        j += order >= 0;
    }
    return result;
}

/* A site of code that changed: by what it is found again. */
struct landmark {
    const char *opcode_name;
    const struct type_site *site;
    uint32_t line; /* behind the first of the code */
};

static int
compare_landmarks(const struct landmark *left, const struct landmark *right)
{
    int order = compare_numbers(left->line, right->line);

    if (!order)
        order = strcmp(left->opcode_name, right->opcode_name);
    return order ? order
                 : compare_numbers(left->site->opcode, right->site->opcode);
}

static int
compare_in_code(const void *a, const void *b)
{
    const struct landmark *left = a, *right = b;
    const int order = compare_landmarks(left, right);

    return order ? order
                 : compare_numbers(left->site->offset, right->site->offset);
}

/* Sites whose line is known, in order; to be freed. */
static struct landmark *
find_landmarks(const struct diff_side *side, const struct type_group *group,
               uint32_t *count)
{
    struct landmark *found = calloc((size_t)group->count + 1, sizeof(*found));

    *count = 0;
    for (uint32_t i = group->first; found && i < group->first + group->count;
         i++) {
        const struct type_site *site = &side->profile->type_sites[i];

        if (site->line)
            found[(*count)++] = (struct landmark){
                site->opcode_name,
                site,
                site->line - side->profile->codes[site->code].line,
            };
    }
    if (found)
        qsort(found, *count, sizeof(*found), compare_in_code);
    return found;
}

static uint32_t
count_equal(const struct landmark *landmarks, uint32_t from, uint32_t count)
{
    uint32_t i = from;

    while (i < count && !compare_landmarks(&landmarks[from], &landmarks[i]))
        i++;
    return i - from;
}

/* Pairs those of a line and opcode, if there are as many on both sides. */
static int
pair_landmarks(struct types_diff *diff, const struct code_change *codes,
               const struct landmark *left, uint32_t left_count,
               const struct landmark *right, uint32_t right_count)
{
    uint32_t i = 0, j = 0;
    int result = 0;

    while (i < left_count && j < right_count && !result) {
        const uint32_t lefts = count_equal(left, i, left_count);
        const uint32_t rights = count_equal(right, j, right_count);
        const int order = compare_landmarks(&left[i], &right[j]);

        for (uint32_t k = 0; !order && lefts == rights && k < lefts && !result;
             k++)
            result = add_sites(diff, (struct site_change){
                                         .is_changed_code = true,
                                         .before_group = codes->before,
                                         .after_group = codes->after,
                                         .before = left[i + k].site,
                                         .after = right[j + k].site,
                                     });
        i += order <= 0 ? lefts : 0;
        j += order >= 0 ? rights : 0;
    }
    return result;
}

static int
add_changed_code(struct types_diff *diff, const struct type_group *before,
                 const struct type_group *after)
{
    const struct code_change codes = { before, after };
    uint32_t left_count, right_count;
    struct landmark *left, *right;
    int result;

    if (make_room((void **)&diff->codes, &diff->code_capacity, diff->code_count,
                  sizeof(*diff->codes)))
        return -ENOMEM;
    diff->codes[diff->code_count++] = codes;
    left = find_landmarks(&diff->before, before, &left_count);
    right = find_landmarks(&diff->after, after, &right_count);
    result = left && right ? pair_landmarks(diff, &codes, left, left_count,
                                            right, right_count)
                           : -ENOMEM;
    free(left);
    free(right);
    return result;
}

static uint64_t
hash_of(const struct diff_side *side, const struct type_group *group)
{
    return side->profile->type_sites[group->first + group->count - 1].hash;
}

static int
compare_matched(struct types_diff *diff, const struct match_item *item)
{
    const struct type_group *before = &diff->before.groups->groups[item->group];
    const struct type_group *after =
        item->match ? &diff->after.groups->groups[item->match - 1] : NULL;
    uint64_t hash;

    if (!after)
        return compare_groups(diff, before, NULL);
    hash = hash_of(&diff->after, after);
    if (item->hash && hash && item->hash != hash)
        return add_changed_code(diff, before, after);
    return compare_groups(diff, before, after);
}

static uint64_t
weight_of(const struct site_change *change)
{
    const uint64_t before = change->before ? change->before->bytecodes : 0;
    const uint64_t after = change->after ? change->after->bytecodes : 0;

    return before > after ? before : after;
}

static int
compare_changes(const void *a, const void *b)
{
    const struct site_change *left = a, *right = b;
    const int order = compare_numbers(weight_of(right), weight_of(left));

    if (left->change != right->change)
        return left->change < right->change ? -1 : 1;
    if (order)
        return order;
    if (!left->before || !right->before)
        return !left->before && !right->before
                   ? compare_numbers((uintptr_t)left->after,
                                     (uintptr_t)right->after)
                   : (left->before ? -1 : 1);
    return compare_numbers((uintptr_t)left->before, (uintptr_t)right->before);
}

int
types_diff_make(struct types_diff *diff)
{
    struct match_items before = { 0 }, after = { 0 };
    int result = match_items_make(&before, &diff->before);

    if (!result)
        result = match_items_make(&after, &diff->after);
    if (!result)
        match_items(&before, &after);
    for (uint32_t i = 0; i < before.count && !result; i++)
        result = compare_matched(diff, &before.items[i]);
    for (uint32_t i = 0; i < after.count && !result; i++)
        if (!after.items[i].match)
            result = compare_groups(
                diff, NULL, &diff->after.groups->groups[after.items[i].group]);
    free(before.items);
    free(after.items);
    if (!result && diff->site_count)
        qsort(diff->sites, diff->site_count, sizeof(*diff->sites),
              compare_changes);
    return result;
}

void
types_diff_free(struct types_diff *diff)
{
    free(diff->sites);
    free(diff->codes);
    *diff = (struct types_diff){ 0 };
}
