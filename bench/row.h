/* SPDX-License-Identifier: MIT */

/* For benchmarks in C: a row of the table that run.py prints, as figures.py
 * writes them. Strings must need no escapes. */
#ifndef ROW_H
#define ROW_H

#include <stdio.h>
#include <stdlib.h>

/* met: 1, 0, or -1: there is no budget. */
static inline void
bench_row(const char *what, const char *measured, const char *spread,
          const char *budget, const char *baseline, int met)
{
    const char *const path = getenv("VMPROF_BENCH_ROWS");
    FILE *const file = path ? fopen(path, "a") : NULL;

    if (!file)
        return;
    fprintf(file,
            "{\"what\": \"%s\", \"measured\": \"%s\", \"spread\": \"%s\", "
            "\"budget\": \"%s\", \"baseline\": \"%s\", \"met\": %s}\n",
            what, measured, spread, budget, baseline,
            met < 0 ? "null"
            : met   ? "true"
                    : "false");
    fclose(file);
}

#endif
