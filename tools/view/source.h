/* SPDX-License-Identifier: MIT */

/* Lines of the programs that traces were made of. */
#ifndef VIEW_SOURCE_H
#define VIEW_SOURCE_H

#include <stdio.h>

#include "../read/traces.h"

/*
 * Write the member "source": by file and number the lines that traces have,
 * read from files below `directory`, nowhere else, whatever a profile says. What
 * cannot be read is told on stderr. Returns 0 or -ENOMEM.
 */
int
write_source(const struct traces *traces, const char *directory, FILE *out);

#endif
