/* SPDX-License-Identifier: MIT */

#include "types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

double
type_percent(const struct type_site *site, uint64_t hits)
{
    const double all = (double)site->typed + (double)site->other;

    return all > 0 ? 100 * (double)hits / all : 0;
}

/* How many tuples count; those of a site come by falling hits. */
static uint32_t
count_tuples(const struct profile *profile, const struct type_site *site,
             const struct kind_rule *rule)
{
    const struct type_tuple *tuples = &profile->type_tuples[site->first_tuple];
    uint32_t count = 0;

    while (count < site->tuple_count && tuples[count].hits &&
           type_percent(site, tuples[count].hits) >= rule->min_percent)
        count++;
    return count;
}

enum site_kind
site_kind(const struct profile *profile, const struct type_site *site,
          const struct kind_rule *rule)
{
    uint32_t count;

    if (!site->has_place)
        return SITE_UNPLACED;
    if (!site->hits)
        return SITE_UNSEEN;
    if (!site->typed && !site->other)
        return SITE_UNTYPED;
    count = count_tuples(profile, site, rule);
    if (!count || count > rule->most ||
        (site->other && type_percent(site, site->other) >= rule->min_percent))
        return SITE_MEGAMORPHIC;
    return count == 1 ? SITE_MONOMORPHIC : SITE_POLYMORPHIC;
}

static const struct {
    const char *name, *brief;
} kind_names[SITE_KINDS] = {
    [SITE_UNPLACED] = { "unplaced", "-" },
    [SITE_UNSEEN] = { "unseen", "unseen" },
    [SITE_UNTYPED] = { "untyped", "none" },
    [SITE_MONOMORPHIC] = { "monomorphic", "mono" },
    [SITE_POLYMORPHIC] = { "polymorphic", "poly" },
    [SITE_MEGAMORPHIC] = { "megamorphic", "mega" },
};

const char *
site_kind_name(enum site_kind kind)
{
    return kind_names[kind].name;
}

const char *
site_kind_short(enum site_kind kind)
{
    return kind_names[kind].brief;
}

enum site_kind
find_site_kind(const char *name)
{
    enum site_kind kind = SITE_UNSEEN;

    while (kind < SITE_KINDS && strcmp(name, kind_names[kind].name) != 0 &&
           strcmp(name, kind_names[kind].brief) != 0)
        kind++;
    return kind;
}

static bool
is_same_code(const struct type_site *a, const struct type_site *b)
{
    return a->code == b->code && a->has_code == b->has_code &&
           (a->hash == b->hash || !a->has_place || !b->has_place);
}

static void
add_to_sums(struct type_sums *sums, const struct type_site *site,
            enum site_kind kind)
{
    sums->hits += site->hits;
    sums->bytecodes += site->bytecodes;
    sums->sites[kind]++;
    if (kind == SITE_UNPLACED) {
        sums->unplaced += site->hits;
        sums->unplaced_bytecodes += site->bytecodes;
        return;
    }
    sums->typed += site->typed;
    sums->other += site->other;
    sums->untyped += site->untyped;
}

int
type_groups_make(struct type_groups *groups, const struct profile *profile,
                 const struct kind_rule *rule)
{
    struct type_group *group = NULL;

    groups->groups =
        calloc((size_t)profile->type_site_count + 1, sizeof(*group));
    if (!groups->groups)
        return -ENOMEM;
    for (uint32_t i = 0; i < profile->type_site_count; i++) {
        const struct type_site *site = &profile->type_sites[i];
        const enum site_kind kind = site_kind(profile, site, rule);

        if (!group || !is_same_code(site - 1, site)) {
            group = &groups->groups[groups->count++];
            group->first = i;
        }
        group->count++;
        group->hits += site->hits;
        group->bytecodes += site->bytecodes;
        if (kind >= SITE_POLYMORPHIC)
            group->many_bytecodes += site->bytecodes;
        add_to_sums(&groups->sums, site, kind);
    }
    return 0;
}

void
type_groups_free(struct type_groups *groups)
{
    free(groups->groups);
    *groups = (struct type_groups){ 0 };
}

bool
all_were_hits(const struct type_site *site)
{
    return site->bytecodes == site->hits;
}
