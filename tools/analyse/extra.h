/* SPDX-License-Identifier: MIT */

/* Time of no frame, and what it is called wherever it is shown. */
#ifndef ANALYSE_EXTRA_H
#define ANALYSE_EXTRA_H

enum extra {
    EXTRA_NATIVE = 0,    /* the VM ran, but none of its functions */
    EXTRA_OFF_CPU = 1,   /* the same, and it waited */
    EXTRA_UNSAMPLED = 2, /* CPU time that no sample stands for */
    EXTRA_COUNT = 3,
};

/* "[native]" and so on. */
const char *
extra_name(enum extra extra);

#endif
