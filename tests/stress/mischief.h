/* SPDX-License-Identifier: MIT */

/* What a host may do to a profiler, each on a thread of its own until `stop` is
 * set; each ends the test if it comes to harm. */
#ifndef MISCHIEF_H
#define MISCHIEF_H

#include <stdatomic.h>

#include <vmprof/vmprof.h>

struct mischief {
    const char *name;
    void *(*body)(void *mischief);
    atomic_ulong count; /* how often it was done */
};

extern atomic_bool stop;
extern const char *plugin_path;

/* The last has no name. */
extern struct mischief all_mischief[];

/* Codes to run, and the shared ways to run them. */
enum {
    CODES = 32,
};
extern vmprof_code_id codes[CODES];

void
register_codes(void);
void
call(struct vmprof_thread *thread, unsigned depth);

/* Count it; and rest for a millisecond every so often, so that there is time
 * left for sessions to begin and end. */
void
count_and_rest(struct mischief *mischief, unsigned long every);

/* Profile a little in a process that has just been forked, and check. */
void
profile_in_child(void);

/* In mischief_stacks.c. */
void *
move_between_coroutines(void *mischief);
void *
switch_contexts(void *mischief);
void *
run_on_signal_stacks(void *mischief);
void *
jump_out(void *mischief);

#endif
