/* SPDX-License-Identifier: MIT */

/* Names from a profile, made fit for files that others read. */
#ifndef EXPORT_TEXT_H
#define EXPORT_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* A string that is reused for one name after another. */
struct text {
    char *data;
    size_t room;
};

/*
 * `name` as valid UTF-8 on one line. Bytes that are not UTF-8, control
 * characters, line separators and those that turn the direction of writing
 * become U+FFFD. NULL is the empty string.
 *
 * Returns text->data, good until the next call; NULL: out of memory.
 */
const char *
text_clean(struct text *text, const char *name);

void
text_free(struct text *text);

/* Writes `name` in quotes as C would have it: what would be replaced above comes
 * as its bytes, such as \n and \x1b. */
void
text_write_quoted(FILE *out, const char *name);

/*
 * Writes `name`, cleaned as above, as a JSON string with its quotes. It may
 * stand inside a <script> element of an HTML page.
 */
void
text_write_json(FILE *out, const char *name);

#endif
