/* SPDX-License-Identifier: MIT */

/* How much of a count that is asked for: all of it in long runs. */
#ifndef SCALE_H
#define SCALE_H

#include <stdlib.h>

static inline unsigned
scaled(unsigned usual, unsigned all)
{
    return getenv("VMPROF_STRESS_ALL") ? all : usual;
}

#endif
