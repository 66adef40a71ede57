/* SPDX-License-Identifier: MIT */

/* Characters of texts whose origin is unknown. */
#ifndef VMP_FORMAT_UTF8_H
#define VMP_FORMAT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Decode one character of UTF-8. Returns its bytes, or 0: not valid. */
unsigned
vmp_decode_utf8(const char *text, size_t size, uint32_t *out);

/* Put a question mark over each byte that is part of no character. */
void
vmp_repair_utf8(char *text, size_t size);

/* How much of `size` bytes to keep, at most `most`, with no character in half. */
size_t
vmp_cut_utf8(const char *text, size_t size, size_t most);

#endif
