/* SPDX-License-Identifier: MIT */

/* What a profile of an earlier run tells the JIT. */
#ifndef TOY_JIT_TYPES_H
#define TOY_JIT_TYPES_H

#include "jit.h"

/* Rounds of a loop, from its header to the LOOP, until it is recorded: fewer if
 * it is known that each of its operators sees one pair of numbers only. */
uint32_t
jit_types_threshold(const struct jit_settings *settings,
                    const struct function *function, const uint32_t *header,
                    const uint32_t *end);

/* A saved type profile, for settings. NULL after a message. */
struct vmprof_loaded_profile *
jit_types_load(const char *file);

/* Save what was counted so far for a later run. */
int
jit_types_save(const char *file);

#endif
