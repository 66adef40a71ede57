/* SPDX-License-Identifier: MIT */

/* Stacklets, as rpython/rlib/rstacklet.py and PyPy's continulets do them: each
 * on a C stack of its own. */
#ifndef STACKLET_H
#define STACKLET_H

#include "vm.h"

struct stacklet;

/* Begin a new one and run it until it switches away. */
struct stacklet *
stacklet_new(void (*callback)(void *), void *argument);

/* Go on with one that was left, NULL: with the thread's own. */
void
stacklet_switch(struct stacklet *to);

/* Once its callback has returned. */
void
stacklet_free(struct stacklet *stacklet);

#endif
