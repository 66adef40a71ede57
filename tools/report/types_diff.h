/* SPDX-License-Identifier: MIT */

/* What `vmprof diff` prints. */
#ifndef REPORT_TYPES_DIFF_H
#define REPORT_TYPES_DIFF_H

#include "../analyse/types_diff.h"
#include "types_view.h"

/* Each returns 0 or -ENOMEM. `limit` is that of the second one's view. */
int
report_types_diff(const struct types_diff *diff,
                  const struct types_view *before,
                  const struct types_view *after);
int
report_types_diff_json(const struct types_diff *diff,
                       const struct types_view *before,
                       const struct types_view *after);

#endif
