/* SPDX-License-Identifier: MIT */

/* Characters of texts whose origin is unknown. */
#ifndef VMP_FORMAT_UTF8_H
#define VMP_FORMAT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Decode one character of UTF-8. Returns its bytes, or 0: not valid. */
unsigned
vmp_decode_utf8(const char *text, size_t size, uint32_t *out);

#endif
