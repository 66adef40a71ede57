/* SPDX-License-Identifier: MIT */

/* Builtins that read a clock, use up time, or clean up. */
#include "interp.h"
#include "native.h"

#include <time.h>

static int64_t
read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* clock(): seconds that pass, as a float */
bool
native_clock(struct interp *interp, const struct value *arguments, size_t count,
             struct value *result)
{
    (void)interp, (void)arguments, (void)count;
    *result = value_float((double)read_ns(CLOCK_MONOTONIC) * 1e-9);
    return true;
}

/* cpu_time(): seconds this thread has computed, as a float */
bool
native_cpu_time(struct interp *interp, const struct value *arguments,
                size_t count, struct value *result)
{
    (void)interp, (void)arguments, (void)count;
    *result = value_float((double)read_ns(CLOCK_THREAD_CPUTIME_ID) * 1e-9);
    return true;
}

/* Reading the clock is a system call: it is to be a small part of the time. */
enum {
    SPINS_PER_LOOK = 10000,
};

/* burn_ns(n): compute for n nanoseconds of CPU time */
bool
native_burn_ns(struct interp *interp, const struct value *arguments,
               size_t count, struct value *result)
{
    int64_t start = read_ns(CLOCK_THREAD_CPUTIME_ID);

    (void)count;
    if (arguments[0].type != VALUE_INT)
        return throw_error(interp, "burn_ns needs an int");
    while (read_ns(CLOCK_THREAD_CPUTIME_ID) - start < arguments[0].integer)
        for (volatile int i = 0; i < SPINS_PER_LOOK; i++)
            continue;
    *result = value_nil();
    return true;
}

/* burn_rounds(n): compute for n rounds, however long they take */
bool
native_burn_rounds(struct interp *interp, const struct value *arguments,
                   size_t count, struct value *result)
{
    (void)count;
    if (arguments[0].type != VALUE_INT)
        return throw_error(interp, "burn_rounds needs an int");
    for (volatile int64_t i = 0; i < arguments[0].integer; i++)
        continue;
    *result = value_nil();
    return true;
}

/* gc(): collect as soon as this builtin has returned */
bool
native_gc(struct interp *interp, const struct value *arguments, size_t count,
          struct value *result)
{
    (void)arguments, (void)count;
    interp->heap.threshold = 0;
    *result = value_nil();
    return true;
}
