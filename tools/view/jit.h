/* SPDX-License-Identifier: MIT */

/* What the page shows of a JIT: its loops, their code, when it compiled. */
#ifndef VIEW_JIT_H
#define VIEW_JIT_H

#include "../analyse/jit_reading.h"
#include "../export/fold.h"

struct jit_page {
    const struct profile *profile;
    const struct functions *functions; /* that frames are shown as */
    const struct jit_reading *reading;
    const struct trace_times *times;
    const char *source; /* the directory of sources; NULL: none is shown */
};

/* Write the member "jit". Returns 0 or -ENOMEM. */
int
write_jit(const struct jit_page *page, FILE *out);

/* Part of it: the member "code" of a trace, and its operations. */
int
write_jit_code(const struct jit_page *page, uint32_t trace, FILE *out);

#endif
