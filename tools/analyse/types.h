/* SPDX-License-Identifier: MIT */

/* What the sites of a type profile are like, and which belong together. */
#ifndef ANALYSE_TYPES_H
#define ANALYSE_TYPES_H

#include "../read/profile.h"

enum site_kind {
    SITE_UNPLACED,    /* no site, but hits whose place is not known */
    SITE_UNSEEN,      /* never hit while it was looked at */
    SITE_UNTYPED,     /* its hits had no types */
    SITE_MONOMORPHIC, /* one tuple of types */
    SITE_POLYMORPHIC, /* a few */
    SITE_MEGAMORPHIC, /* more than a few, or more than there was room for */
    SITE_KINDS,
};

/* When a tuple counts, and how many are a few. */
struct kind_rule {
    double min_percent; /* of the site's hits that have types */
    uint32_t most;
};

enum {
    USUAL_MIN_PERCENT = 1,
    USUAL_MOST = 4,
};

enum site_kind
site_kind(const struct profile *profile, const struct type_site *site,
          const struct kind_rule *rule);

/* "monomorphic" and so on, and "mono" for a narrow column. */
const char *
site_kind_name(enum site_kind kind);
const char *
site_kind_short(enum site_kind kind);

/* SITE_KINDS: there is none of that name, long or short. */
enum site_kind
find_site_kind(const char *name);

/* Of its hits that have types. */
double
type_percent(const struct type_site *site, uint64_t hits);

/* The sites of one code object of the same content. */
struct type_group {
    uint32_t first, count; /* in the profile's sites */
    uint64_t hits, bytecodes;
    uint64_t many_bytecodes; /* of polymorphic and megamorphic sites */
};

struct type_sums {
    uint64_t hits, typed, other, untyped, bytecodes;
    uint64_t unplaced, unplaced_bytecodes;
    uint64_t sites[SITE_KINDS]; /* how many of each kind */
};

/* Groups in the order of the profile's sites. Zeroed is an empty one. */
struct type_groups {
    struct type_group *groups;
    uint32_t count;
    struct type_sums sums; /* of all sites */
};

/* Returns 0 or -ENOMEM. */
int
type_groups_make(struct type_groups *groups, const struct profile *profile,
                 const struct kind_rule *rule);

void
type_groups_free(struct type_groups *groups);

/* Whether every bytecode was a hit. */
bool
all_were_hits(const struct type_site *site);

#endif
