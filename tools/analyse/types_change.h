/* SPDX-License-Identifier: MIT */

/* What has become of a site, as far as its hits can tell. */
#ifndef ANALYSE_TYPES_CHANGE_H
#define ANALYSE_TYPES_CHANGE_H

#include "types_diff.h"

/* Either site may be NULL. CHANGES: it met no types on either side. */
enum change
types_change(const struct types_diff *diff, const struct type_site *before,
             const struct type_site *after);

/* The share of the same types in another profile's site, in percent. */
double
percent_elsewhere(const struct profile *profile, const struct type_tuple *tuple,
                  const struct profile *other, const struct type_site *site);

#endif
