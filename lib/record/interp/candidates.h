/* SPDX-License-Identifier: MIT */

/* Codes whose next calls are profiled whole. */
#ifndef VMP_INTERP_CANDIDATES_H
#define VMP_INTERP_CANDIDATES_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the candidate of a mark is one still; under vmp_interp_lock(). */
bool
vmp_candidate_is_there(uint64_t mark);

/* A code is forgotten: it is a candidate no more. Outside all locks but that of
 * the callbacks. */
void
vmp_candidate_forget(uint64_t code);

/* In the child of a fork(), under vmp_interp_lock(). */
void
vmp_candidates_leave_to_parent(void);

#endif
