/* SPDX-License-Identifier: MIT */

/* Full names of code objects. Callable in any context. */
#ifndef VMP_NAME_H
#define VMP_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a name has the form "class:function:line:file". */
bool
vmp_name_is_full(const char *name);

/* Copy a name that was longer than its buffer, ending in "...". */
void
vmp_name_cut(char *to, const char *name);

#endif
