/* SPDX-License-Identifier: MIT */

/* How a subcommand reads machine code: with names, or not at all. */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>

#include "read/profile.h"

struct names {
    struct symbols *symbols;
    struct symboliser symboliser;
    struct read_options options; /* for profile_read() */
};

/* Returns 0, or -ENOMEM. */
int
names_open(struct names *names, bool no_native);

/* After the reading: say on stderr which names are missing, and why. */
void
names_tell(struct names *names);

/* A zeroed one is fine. */
void
names_close(struct names *names);

#endif
