/* SPDX-License-Identifier: MIT */

/* Characters of names whose origin is unknown. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "format/utf8.h"

/* Whether a character acts on text instead of being seen. */
bool
is_unseen(uint32_t character);

#endif
