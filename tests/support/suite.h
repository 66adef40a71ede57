/* SPDX-License-Identifier: MIT */

/* What every cmocka file includes, in the order that cmocka.h wants. */
#ifndef SUITE_H
#define SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* A reproducible sequence (xorshift): tests draw, and fail the same way twice.
 */
static inline uint64_t
draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
