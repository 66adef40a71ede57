/* SPDX-License-Identifier: MIT */

/* Which system calls can fail, and how. */
#ifndef FALLIBLE_H
#define FALLIBLE_H

#include <stdbool.h>

enum {
    MOST_ERRORS = 10,
    MOST_CALLS = 48,
};

struct call {
    long number;
    const char *name;
    bool is_made;  /* and only its result is changed */
    bool is_ticks; /* the handler makes it, wherever it runs */
    int errors[MOST_ERRORS];
};

extern const struct call fallible_calls[];
extern const unsigned fallible_call_count;

/* The call of a number, or NULL. */
const struct call *
fallible_call(long number);

bool
never_fails(long number);

#endif
