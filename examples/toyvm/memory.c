/* SPDX-License-Identifier: MIT */

#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *
check(void *memory)
{
    if (!memory) {
        fputs("toyvm: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void *
allocate(size_t size)
{
    return check(calloc(1, size));
}

void *
make_room(void *array, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 8;
    if (*capacity > SIZE_MAX / item_size)
        return check(NULL);
    return check(realloc(array, *capacity * item_size));
}
