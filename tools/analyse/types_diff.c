/* SPDX-License-Identifier: MIT */

#include "types_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Of a site's, the most frequent first; the rest cannot matter. */
    MOST_TUPLES = 64,
};

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

/* A code object on either side. */
struct item {
    const struct code *code;
    uint64_t hash;
    uint32_t group;
    uint32_t match; /* plus 1, of the other side; 0: none yet */
};

struct items {
    struct item *items;
    uint32_t count;
};

static int
compare(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

static const char *
base_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash ? slash + 1 : file;
}

static int
compare_items(const struct item *left, const struct item *right, unsigned same)
{
    int order = 0;

    if (same & SAME_HASH)
        order = compare(left->hash, right->hash);
    if (!order && same & SAME_NAME)
        order = strcmp(left->code->function, right->code->function);
    if (!order && same & SAME_FILE)
        order = strcmp(left->code->file, right->code->file);
    if (!order && same & SAME_BASE)
        order =
            strcmp(base_name(left->code->file), base_name(right->code->file));
    if (!order && same & SAME_LINE)
        order = compare(left->code->line, right->code->line);
    return order;
}

static int
compare_in_order(const void *a, const void *b, void *user)
{
    const struct item *left = a, *right = b;
    const int order = compare_items(left, right, *(const unsigned *)user);

    return order ? order : compare(left->group, right->group);
}

static int
make_items(struct items *items, const struct diff_side *side)
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
            items->items[items->count++] = (struct item){
                .code = &side->profile->codes[sites->code],
                .hash = sites[group->count - 1].hash,
                .group = i,
            };
    }
    return 0;
}

static bool
is_left_over(const struct item *item, unsigned same)
{
    return !item->match && (item->hash || !(same & SAME_HASH));
}

static void
match_equal(struct items *before, struct items *after, unsigned same)
{
    uint32_t i = 0, j = 0;

    while (i < before->count && j < after->count) {
        struct item *left = &before->items[i], *right = &after->items[j];
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

static void
match_all(struct items *before, struct items *after)
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

static bool
has_same_types(const struct profile *a, const struct type_tuple *left,
               const struct profile *b, const struct type_tuple *right)
{
    if (left->count != right->count)
        return false;
    for (uint32_t i = 0; i < left->count; i++)
        if (strcmp(a->words[left->words[i]], b->words[right->words[i]]) != 0)
            return false;
    return true;
}

double
percent_elsewhere(const struct profile *profile, const struct type_tuple *tuple,
                  const struct profile *other, const struct type_site *site)
{
    for (uint32_t i = 0; i < site->tuple_count && i < MOST_TUPLES; i++) {
        const struct type_tuple *candidate =
            &other->type_tuples[site->first_tuple + i];

        if (has_same_types(profile, tuple, other, candidate))
            return type_percent(site, candidate->hits);
    }
    return 0;
}

/*
 * Whether two shares of what was only looked at now and then differ by more
 * than chance may: three standard errors, which one in 370 exceeds. What was
 * looked at each time has none.
 */
static bool
is_beyond_chance(double before, uint64_t before_hits, double after,
                 uint64_t after_hits)
{
    const double x = (double)before_hits, y = (double)after_hits;
    const double all = x + y;
    const double mean = all > 0 ? (before * x + after * y) / all : 0;
    const double weight = (x > 0 ? 1 / x : 0) + (y > 0 ? 1 / y : 0);
    const double distance = after - before;

    return distance * distance > 9 * mean * (100 - mean) * weight;
}

/* Of the sample that a site's shares are from; 0: no sample, but everything. */
static uint64_t
sample_size(const struct type_site *site)
{
    return all_were_hits(site) ? 0 : site->typed + site->other;
}

static bool
differs(const struct type_site *site, double share,
        const struct type_site *elsewhere, double share_elsewhere,
        double points)
{
    const double distance = share < share_elsewhere ? share_elsewhere - share
                                                    : share - share_elsewhere;

    return distance > 0 && distance >= points &&
           is_beyond_chance(share, sample_size(site), share_elsewhere,
                            sample_size(elsewhere));
}

/* Whether the share of one of the site's own tuples does, or of the others. */
static bool
has_shifted(const struct profile *profile, const struct type_site *site,
            const struct profile *other, const struct type_site *elsewhere,
            double points)
{
    if (differs(site, type_percent(site, site->other), elsewhere,
                type_percent(elsewhere, elsewhere->other), points))
        return true;
    for (uint32_t i = 0; i < site->tuple_count && i < MOST_TUPLES; i++) {
        const struct type_tuple *tuple =
            &profile->type_tuples[site->first_tuple + i];

        if (differs(site, type_percent(site, tuple->hits), elsewhere,
                    percent_elsewhere(profile, tuple, other, elsewhere),
                    points))
            return true;
    }
    return false;
}

static bool
any_has_shifted(const struct types_diff *diff, const struct type_site *before,
                const struct type_site *after, double points)
{
    const struct profile *a = diff->before.profile, *b = diff->after.profile;

    return has_shifted(a, before, b, after, points) ||
           has_shifted(b, after, a, before, points);
}

/* 0: it met no types. */
static int
rank(const struct types_diff *diff, const struct diff_side *side,
     const struct type_site *site)
{
    const enum site_kind kind =
        site ? site_kind(side->profile, site, &diff->rule.kinds)
             : SITE_UNPLACED;

    return kind < SITE_MONOMORPHIC ? 0 : (int)kind;
}

static bool
has_too_few(const struct types_diff *diff, const struct type_site *site)
{
    return site && site->hits && !all_were_hits(site) &&
           site->typed + site->other < diff->rule.min_hits;
}

/* Whether a site that one side has would likely be missed by the other. */
static bool
may_be_missed(const struct types_diff *diff, const struct diff_side *side,
              const struct type_site *site)
{
    const struct type_sums *sums = &side->groups->sums;

    return sums->hits < sums->bytecodes &&
           (double)site->bytecodes * (double)sums->hits <
               (double)diff->rule.min_hits * (double)sums->bytecodes;
}

static enum change
one_sided_change(const struct types_diff *diff, const struct type_site *before,
                 const struct type_site *after, bool is_new)
{
    if (may_be_missed(diff, is_new ? &diff->before : &diff->after,
                      is_new ? after : before))
        return CHANGE_TOO_FEW;
    return is_new ? CHANGE_NEW : CHANGE_GONE;
}

static enum change
find_change(const struct types_diff *diff, const struct type_site *before,
            const struct type_site *after)
{
    const int rank_before = rank(diff, &diff->before, before);
    const int rank_after = rank(diff, &diff->after, after);

    if (!rank_before && !rank_after)
        return CHANGES;
    if (has_too_few(diff, before) || has_too_few(diff, after))
        return CHANGE_TOO_FEW;
    if (!rank_before || !rank_after)
        return one_sided_change(diff, before, after, rank_after);
    if (rank_before == rank_after)
        return any_has_shifted(diff, before, after, diff->rule.points)
                   ? CHANGE_SHARES
                   : CHANGE_NONE;
    if (!any_has_shifted(diff, before, after, 0))
        return CHANGE_TOO_FEW;
    return rank_after > rank_before ? CHANGE_MORE : CHANGE_FEWER;
}

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
    change.change = find_change(diff, change.before, change.after);
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
    const int order = compare(left->offset, right->offset);

    if (left->has_place != right->has_place)
        return left->has_place ? 1 : -1;
    return order ? order : compare(left->opcode, right->opcode);
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
    int order = compare(left->line, right->line);

    if (!order)
        order = strcmp(left->opcode_name, right->opcode_name);
    return order ? order : compare(left->site->opcode, right->site->opcode);
}

static int
compare_in_code(const void *a, const void *b)
{
    const struct landmark *left = a, *right = b;
    const int order = compare_landmarks(left, right);

    return order ? order : compare(left->site->offset, right->site->offset);
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
compare_matched(struct types_diff *diff, const struct item *item)
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
    const int order = compare(weight_of(right), weight_of(left));

    if (left->change != right->change)
        return left->change < right->change ? -1 : 1;
    if (order)
        return order;
    if (!left->before || !right->before)
        return !left->before && !right->before
                   ? compare((uintptr_t)left->after, (uintptr_t)right->after)
                   : (left->before ? -1 : 1);
    return compare((uintptr_t)left->before, (uintptr_t)right->before);
}

int
types_diff_make(struct types_diff *diff)
{
    struct items before = { 0 }, after = { 0 };
    int result = make_items(&before, &diff->before);

    if (!result)
        result = make_items(&after, &diff->after);
    if (!result)
        match_all(&before, &after);
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
