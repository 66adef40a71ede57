/* SPDX-License-Identifier: MIT */

/* A program whose functions, lines and inlined calls a test looks up. */
#include <stdio.h>

static inline __attribute__((always_inline)) int
innermost(int value)
{
    return value * 7 + (value >> 3);
}

static inline __attribute__((always_inline)) int
middle(int value)
{
    int sum = 0;

    for (int i = 0; i < value; i++)
        sum += innermost(i ^ sum);
    return sum;
}

int
outermost(int value);

__attribute__((noinline)) int
outermost(int value)
{
    return middle(value) + middle(value + 1);
}

static __attribute__((noinline, used)) int
only_here(int value)
{
    return printf("%d\n", outermost(value)) + 1;
}

int
main(int argc, char **argv)
{
    (void)argv;
    return only_here(argc) == 0;
}
