/* SPDX-License-Identifier: MIT */

/* What the parts of `vmprof types` and `vmprof diff` share. */
#ifndef REPORT_TYPES_VIEW_H
#define REPORT_TYPES_VIEW_H

#include "../analyse/types.h"
#include "view.h"

enum site_order {
    BY_HITS,
    BY_LINE,
    BY_KIND, /* most types first */
};

struct types_view {
    struct view view; /* its tree and labels stay empty */
    struct type_groups groups;
    struct kind_rule rule;
    enum site_order order;
    const char *function; /* a pattern; NULL: all */
    unsigned kinds;       /* to be shown, a bit of each; 0: those with types */
    const char *host, *service, *version; /* for rows */
};

/* Read a file that has type rows. Returns 0, or says why not and returns -1. */
int
types_read(struct types_view *types);

void
types_free(struct types_view *types);

const struct code *
group_code(const struct types_view *types, const struct type_group *group);

/* Of the code's content; 0: unknown. */
uint64_t
group_hash(const struct types_view *types, const struct type_group *group);

/* Whether the function is one of those asked for. */
bool
group_is_shown(const struct types_view *types, const struct type_group *group);

bool
site_is_shown(const struct types_view *types, const struct type_site *site);

/* Indexes of the groups that are to be shown, in order; to be freed. */
uint32_t *
order_groups(const struct types_view *types, uint32_t *count);

/* Indexes of the sites of a group that are to be shown; likewise. */
uint32_t *
order_sites(const struct types_view *types, const struct type_group *group,
            uint32_t *count);

/* "ADD", or "<12>", clean; to be freed. */
char *
opcode_title(const struct type_site *site);

/* "(int, float)", or "int" alone, clean; to be freed. */
char *
tuple_title(const struct profile *profile, const struct type_tuple *tuple);

/* "(int, int) 81.2%  <other> 18.8%", clean; to be freed. */
char *
site_types(const struct profile *profile, const struct type_site *site);

/* The parts. Each returns 0 or -ENOMEM. */
int
report_types_header(const struct types_view *types);
int
report_types(const struct types_view *types);
int
report_types_json(const struct types_view *types);

/* What was asked for, but for kinds of sites, in the order of the profile. */
int
report_types_rows(const struct types_view *types);

/* The lines of the file `path` with their sites. Returns 0, -ENOMEM, or -1 when
 * it has said on stderr what is wrong. `file`: how the profile calls it, or
 * NULL. */
int
report_types_source(const struct types_view *types, const char *path,
                    const char *file);

/* Members of JSON objects. */
struct json_object;
void
json_site(struct json_object *object, const struct types_view *types,
          const struct type_site *site);
void
json_group(struct json_object *object, const struct types_view *types,
           const struct type_group *group);

#endif
