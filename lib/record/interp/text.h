/* SPDX-License-Identifier: MIT */

/* Text that grows, for JSON. */
#ifndef VMP_INTERP_TEXT_H
#define VMP_INTERP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is empty; `bytes` is freed by free(). */
struct vmp_text {
    char *bytes;
    size_t size, capacity;
    bool failed; /* out of memory: what came since is missing */
};

void
vmp_text_clear(struct vmp_text *text);
void
vmp_text_add(struct vmp_text *text, const char *bytes, size_t size);

/* A JSON string; what is no UTF-8 is replaced. */
void
vmp_text_quoted(struct vmp_text *text, const char *string);

/* A comma, unless a bracket has just been opened. */
void
vmp_text_comma(struct vmp_text *text);

#endif
