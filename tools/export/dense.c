/* SPDX-License-Identifier: MIT */

/* A set of the library's, and beside it the keys by their numbers. */
#include "dense.h"

#include <stdlib.h>

static int
grow(struct dense *dense)
{
    const uint32_t room = dense->room ? dense->room * 2 : 64;
    uint64_t *keys = reallocarray(dense->keys, room, sizeof(*keys));

    if (!keys)
        return -1;
    dense->keys = keys;
    dense->room = room;
    return 0;
}

uint32_t
dense_put(struct dense *dense, uint64_t key)
{
    bool is_new;
    int64_t number;

    /* Before the key is in the set, so that it never lacks its place. */
    if (dense->count == dense->room && grow(dense))
        return DENSE_NONE;
    number = vmp_intern(&dense->set, key, 0, &is_new);
    if (number < 0)
        return DENSE_NONE;
    if (is_new)
        dense->keys[dense->count++] = key;
    return (uint32_t)number;
}

void
dense_free(struct dense *dense)
{
    vmp_intern_free(&dense->set);
    free(dense->keys);
    *dense = (struct dense){ 0 };
}
