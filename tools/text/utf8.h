/* SPDX-License-Identifier: MIT */

/* Characters of names whose origin is unknown. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode one character of UTF-8. Returns its bytes, or 0: not valid. */
unsigned
decode_utf8(const char *text, size_t size, uint32_t *out);

/* Whether a character acts on text instead of being seen. */
bool
is_unseen(uint32_t character);

#endif
