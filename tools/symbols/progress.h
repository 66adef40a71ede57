/* SPDX-License-Identifier: MIT */

/* Says on a terminal that names are being looked up, when that takes long. */
#ifndef SYMBOLS_PROGRESS_H
#define SYMBOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* All zero but `enabled`. */
struct progress {
    bool enabled, shown;
    uint64_t count, start_ms, said_ms;
};

/* One more address. */
void
progress_step(struct progress *progress);

/* Take it away again. */
void
progress_end(struct progress *progress);

#endif
