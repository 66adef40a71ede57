/* SPDX-License-Identifier: MIT */

/* Text that grows, and values written as text. */
#ifndef TOY_TEXT_H
#define TOY_TEXT_H

#include "value.h"

/* Zeroed is empty; freed with free(bytes). */
struct text {
    char *bytes;
    size_t length;
    size_t capacity;
};

void
text_add(struct text *text, const char *bytes, size_t length);

__attribute__((format(printf, 2, 3))) void
text_format(struct text *text, const char *format, ...);

/* As print() shows a value. */
void
text_add_value(struct text *text, struct value value);

#endif
