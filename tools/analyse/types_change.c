/* SPDX-License-Identifier: MIT */

#include "types_change.h"

#include <string.h>

enum {
    /* Of a site's, the most frequent first; the rest cannot matter. */
    MOST_TUPLES = 64,
};

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

enum change
types_change(const struct types_diff *diff, const struct type_site *before,
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
