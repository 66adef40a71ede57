/* SPDX-License-Identifier: MIT */

/* The flame graph: one HTML page, made from the files of this directory. */
#ifndef VIEW_FLAMEGRAPH_H
#define VIEW_FLAMEGRAPH_H

#include "../export/export.h"

extern const struct exporter flamegraph_exporter;

#endif
