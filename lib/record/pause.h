/* SPDX-License-Identifier: MIT */

/* Whether the output may write to a file just now: vmprof_pause_output(). */
#ifndef VMP_PAUSE_H
#define VMP_PAUSE_H

#include <stdbool.h>

/* Around each write. False: not now. When sampling has ended, it may. */
bool
vmp_begin_write(void);
void
vmp_end_write(void);

#endif
