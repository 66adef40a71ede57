/* SPDX-License-Identifier: MIT */

/* The signal and its handler. */
#ifndef VMP_HANDLER_H
#define VMP_HANDLER_H

#include <signal.h>
#include <stdbool.h>

/* What SIGPROF did before us: signals that are not ours go there. */
extern struct sigaction vmp_foreign_action;

/* The handler of VMP_SIGNAL. */
void
vmp_handle_signal(int number, siginfo_t *info, void *context);

/* Put the handler in place of what was there; and take it away if it still is.
 * No clock may run then. Under the threads' lock. Install returns 0 or a negative
 * errno. */
int
vmp_handler_install(void);
void
vmp_handler_remove(void);

/* Whether it is there still. Not in signal context. */
bool
vmp_handler_is_in_place(void);

/* Ticks of a clock that is off that the calling thread blocks: none may be left
 * where the handler is taken away without it. Not in signal context. */
void
vmp_handler_drop_ticks(void);

#endif
