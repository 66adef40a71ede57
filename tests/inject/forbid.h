/* SPDX-License-Identifier: MIT */

/* What forbid.so tells the program that it is preloaded into. */
#ifndef FORBID_H
#define FORBID_H

#include <signal.h>
#include <stdbool.h>

/* The last signal that a handler was called for on this thread; false if there
 * was none. A program finds it with dlsym(). */
__attribute__((visibility("default"))) bool
forbid_last_signal(siginfo_t *info);

#endif
