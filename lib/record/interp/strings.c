/* SPDX-License-Identifier: MIT */

#include "strings.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 16384,
};

const char *
vmp_strings_add(struct vmp_strings **strings, const char *text, size_t size)
{
    struct vmp_strings *block = *strings;
    char *copy;

    if (!block || block->size - block->used < size + 1) {
        const size_t wanted = size + 1 > BLOCK ? size + 1 : BLOCK;

        block = malloc(sizeof(*block) + wanted);
        if (!block)
            return NULL;
        block->size = wanted;
        block->used = 0;
        block->next = *strings;
        *strings = block;
    }
    copy = block->bytes + block->used;
    memcpy(copy, text, size);
    copy[size] = 0;
    block->used += size + 1;
    return copy;
}

void
vmp_strings_free(struct vmp_strings *strings)
{
    while (strings) {
        struct vmp_strings *const next = strings->next;

        free(strings);
        strings = next;
    }
}
