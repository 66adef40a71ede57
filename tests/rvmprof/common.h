/* SPDX-License-Identifier: MIT */

/* Sessions of librvmprof in tests. */
#ifndef COMMON_H
#define COMMON_H

#include "accounts.h"
#include "isolate.h"
#include "jit.h"
#include "seen.h"
#include "vm.h"

int
memory_file(void);

/* What the VM's rvmprof.enable() does; the codes have been registered. */
void
begin_session(int fd, double interval, int real_time);
/* And its disable(); then read what there is. */
void
end_session(int fd, struct seen *seen);

/* The frames of a sample by name, innermost first and separated by spaces:
 * code as it is, compiled code in brackets, native functions left out. */
const char *
stack_text(const struct seen *seen, const struct seen_sample *sample);

/* Run a code until a handler saw it run. */
void
run_until_seen(Signed unique_id);

/* Use CPU time in the interpreter, or in a helper. */
void
burn(void *ms);

#endif
