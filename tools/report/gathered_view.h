/* SPDX-License-Identifier: MIT */

/* What `vmprof events --counters`, `--coverage` and `--callgraph` show. */
#ifndef REPORT_GATHERED_VIEW_H
#define REPORT_GATHERED_VIEW_H

#include "../analyse/gathered.h"
#include "view.h"

/* The parts. Each returns 0 or -ENOMEM, the second -1 when it has said why
 * not. */
int
report_coverage(const struct view *view);
int
report_coverage_source(const struct view *view, const char *path,
                       const char *source_name);
int
report_call_graph(const struct view *view);
int
report_event_counts(const struct view *view);

/* The same, those that are asked for, as one JSON object. */
struct gathered_wish {
    bool coverage, callgraph, counters;
};
int
report_gathered_json(const struct view *view, const struct gathered_wish *wish);

#endif
