/* SPDX-License-Identifier: MIT */

/* Options that name events, of several subcommands. */
#ifndef EVENT_OPTIONS_H
#define EVENT_OPTIONS_H

#include <stdint.h>

/* Sets the bits of a list of names and groups. Returns 0, or STATUS_USAGE when it
 * has said which name is wrong, and which there are. */
int
take_events(const char *command, const char *option, const char *list,
            uint64_t *events);

#endif
