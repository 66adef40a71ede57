/* SPDX-License-Identifier: MIT */

/* Lines of a source, beside which something is printed. */
#ifndef REPORT_SOURCE_LINES_H
#define REPORT_SOURCE_LINES_H

#include <stddef.h>

/* How many characters at the end of two paths are the same, up to a whole
 * name. */
size_t
common_end(const char *a, const char *b);

/* A line without its end, with tabs as blanks, clean; to be freed. NULL: no
 * memory. */
char *
clean_line(const char *line);

#endif
