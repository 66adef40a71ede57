/* SPDX-License-Identifier: MIT */

/* Names of source files, made absolute once each. */
#ifndef SYMBOLS_PATHS_H
#define SYMBOLS_PATHS_H

#include "intern.h"

struct paths {
    struct vmp_intern known; /* (directory, name), by where they stand */
    char **paths;
    uint32_t capacity;
};

/*
 * `name` in `directory`, without "." and ".."; either may be NULL. The texts
 * must live as long as `paths`. Returns a text that does, too; NULL: no memory.
 */
const char *
paths_join(struct paths *paths, const char *directory, const char *name);

void
paths_free(struct paths *paths);

#endif
