/* SPDX-License-Identifier: MIT */

/* Shows on a terminal how far reading is, when that takes long. */
#ifndef READ_BAR_H
#define READ_BAR_H

#include <stdbool.h>
#include <stdint.h>

/* All zero but `enabled`. */
struct bar {
    bool enabled, shown;
    uint64_t start_ms, said_ms;
};

/* So many bytes of all are read. */
void
bar_step(struct bar *bar, uint64_t size, uint64_t whole_size);

/* Take it away again. */
void
bar_end(struct bar *bar);

#endif
