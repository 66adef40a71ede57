/* SPDX-License-Identifier: MIT */

/* Text for readers that take nothing but UTF-8. */
#ifndef VMP_UTF8_H
#define VMP_UTF8_H

#include <stddef.h>

/* Put a question mark over each byte that is part of no character. */
void
vmp_utf8_repair(char *text, size_t size);

/* How much of `size` bytes to keep, at most `most`, with no character in half. */
size_t
vmp_utf8_cut(const char *text, size_t size, size_t most);

#endif
