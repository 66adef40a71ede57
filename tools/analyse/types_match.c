/* SPDX-License-Identifier: MIT */

#include "types_match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What has to be equal in a pass over the codes that are left over. */
enum {
    SAME_NAME = 1,
    SAME_FILE = 2,
    SAME_BASE = 4, /* the last part of the file's name */
    SAME_LINE = 8,
    SAME_HASH = 16,
};

static const unsigned passes[] = {
    SAME_NAME | SAME_FILE | SAME_LINE | SAME_HASH,
    SAME_NAME | SAME_FILE | SAME_HASH,
    SAME_NAME | SAME_HASH,
    SAME_HASH,
    SAME_NAME | SAME_FILE | SAME_LINE,
    SAME_NAME | SAME_FILE,
    SAME_NAME | SAME_BASE | SAME_LINE,
    SAME_NAME | SAME_BASE,
};

static const char *
base_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash ? slash + 1 : file;
}

static int
compare_items(const struct match_item *left, const struct match_item *right,
              unsigned same)
{
    int order = 0;

    if (same & SAME_HASH)
        order = compare_numbers(left->hash, right->hash);
    if (!order && same & SAME_NAME)
        order = strcmp(left->code->function, right->code->function);
    if (!order && same & SAME_FILE)
        order = strcmp(left->code->file, right->code->file);
    if (!order && same & SAME_BASE)
        order =
            strcmp(base_name(left->code->file), base_name(right->code->file));
    if (!order && same & SAME_LINE)
        order = compare_numbers(left->code->line, right->code->line);
    return order;
}

static int
compare_in_order(const void *a, const void *b, void *user)
{
    const struct match_item *left = a, *right = b;
    const int order = compare_items(left, right, *(const unsigned *)user);

    return order ? order : compare_numbers(left->group, right->group);
}

int
match_items_make(struct match_items *items, const struct diff_side *side)
{
    items->items =
        calloc((size_t)side->groups->count + 1, sizeof(*items->items));
    if (!items->items)
        return -ENOMEM;
    for (uint32_t i = 0; i < side->groups->count; i++) {
        const struct type_group *group = &side->groups->groups[i];
        const struct type_site *sites =
            &side->profile->type_sites[group->first];

        if (sites->has_code)
            items->items[items->count++] = (struct match_item){
                .code = &side->profile->codes[sites->code],
                .hash = sites[group->count - 1].hash,
                .group = i,
            };
    }
    return 0;
}

static bool
is_left_over(const struct match_item *item, unsigned same)
{
    return !item->match && (item->hash || !(same & SAME_HASH));
}

static void
match_equal(struct match_items *before, struct match_items *after,
            unsigned same)
{
    uint32_t i = 0, j = 0;

    while (i < before->count && j < after->count) {
        struct match_item *left = &before->items[i], *right = &after->items[j];
        int order;

        if (!is_left_over(left, same)) {
            i++;
            continue;
        }
        if (!is_left_over(right, same)) {
            j++;
            continue;
        }
        order = compare_items(left, right, same);
        if (!order) {
            left->match = right->group + 1;
            right->match = left->group + 1;
        }
        i += order <= 0;
        j += order >= 0;
    }
}

void
match_items(struct match_items *before, struct match_items *after)
{
    for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
        unsigned same = passes[i];

        qsort_r(before->items, before->count, sizeof(*before->items),
                compare_in_order, &same);
        qsort_r(after->items, after->count, sizeof(*after->items),
                compare_in_order, &same);
        match_equal(before, after, same);
    }
}
