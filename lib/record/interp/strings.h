/* SPDX-License-Identifier: MIT */

/* Strings that live and die together. */
#ifndef VMP_INTERP_STRINGS_H
#define VMP_INTERP_STRINGS_H

#include <stddef.h>

struct vmp_strings {
    struct vmp_strings *next;
    size_t used, size;
    char bytes[];
};

/* A copy, or NULL: out of memory. The list begins as NULL. */
const char *
vmp_strings_add(struct vmp_strings **strings, const char *text, size_t size);

void
vmp_strings_free(struct vmp_strings *strings);

#endif
