/* SPDX-License-Identifier: MIT */

/*
 * Names for machine code: looks into the files that were mapped and into the
 * maps that JIT compilers leave, never into the network. A file is used only if
 * it is the one that ran. What has no name is said to have none.
 */
#ifndef SYMBOLS_SYMBOLS_H
#define SYMBOLS_SYMBOLS_H

#include "../read/profile.h"

struct symbols;

/* NULL: no memory. */
struct symbols *
symbols_open(void);

/* A struct symboliser's function; `user` is the struct symbols. */
int
symbols_find(void *user, const struct profile *profile, uint32_t session,
             uint32_t module, uint64_t address, const struct symbol **symbols);

/* Call when the profile was read: takes the progress off the terminal. */
void
symbols_done(struct symbols *symbols);

/*
 * Why names are missing: a path, which may hold any byte, and a reason. NULL
 * behind the last one. Good until symbols_close().
 */
const char *
symbols_note(const struct symbols *symbols, unsigned number,
             const char **reason);

/* NULL is fine. */
void
symbols_close(struct symbols *symbols);

#endif
