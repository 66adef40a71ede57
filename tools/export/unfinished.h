/* SPDX-License-Identifier: MIT */

/*
 * The file that is being written, removed when a signal ends the command: by
 * SIGHUP, SIGINT, SIGTERM, or the processor time's limit. The command still ends
 * by that signal, and one that it was started to ignore stays ignored.
 */
#ifndef EXPORT_UNFINISHED_H
#define EXPORT_UNFINISHED_H

#include <signal.h>

/* Until unfinished_leave() no signal comes that would end the command: between
 * these the file is made, named or removed. */
void
unfinished_enter(sigset_t *before);
void
unfinished_leave(const sigset_t *before);

/* In there: the one file that a signal removes, which stays the caller's; NULL:
 * none. */
void
unfinished_set(const char *path);

#endif
