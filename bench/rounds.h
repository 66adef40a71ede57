/* SPDX-License-Identifier: MIT */

/* For benchmarks in C: the time of a round, and what is said of many. */
#ifndef ROUNDS_H
#define ROUNDS_H

#include <stdlib.h>
#include <time.h>

/* CPU time: what others use of the machine is not to count. */
static inline double
cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline int
compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline void
sort(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
}

static inline double
median(double *values, size_t count)
{
    sort(values, count);
    return values[count / 2];
}

#endif
