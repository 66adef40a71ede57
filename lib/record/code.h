/* SPDX-License-Identifier: MIT */

/* The registry of code objects: from an id to a name and to places. */
#ifndef VMP_CODE_H
#define VMP_CODE_H

#include <stdbool.h>

#include <vmprof/code.h>

#include "../format/encoder.h"

/*
 * From here to the matching end, every code has a name: what has none is asked
 * for now, and of codes yet to come when they are registered.
 */
void
vmp_codes_name_all(void);
void
vmp_codes_name_all_end(void);

/*
 * The name of a code, also of one that was forgotten, as long as samples of it
 * may be unwritten. Returns its length; "?:unknown:0:" for what was never
 * there.
 */
size_t
vmp_code_name(uint64_t id, char buffer[VMPROF_NAME_SIZE]);

/*
 * Where `position` is in a code. Returns 0, or -ENOENT: the code is forgotten
 * or its class cannot tell.
 */
int
vmp_code_place(uint64_t id, uint64_t position, struct vmp_place *place);

/* How the bytecodes of a class are profiled: set once, or -EALREADY. */
struct vmp_interp_class;
int
vmp_code_class_set_interp(struct vmprof_code_class *code_class,
                          const struct vmp_interp_class *interp,
                          uint64_t *number);

/* The same of a living code, and its object unless that is NULL; NULL: there is
 * none. The object stays under vmp_callbacks_lock(). */
const struct vmp_interp_class *
vmp_code_interp(uint64_t id, void **object);

/* Whether there is such a code that was not forgotten. */
bool
vmp_code_is_alive(uint64_t id);

/* Have it named if it is not; under vmp_callbacks_lock(). Not for the writer,
 * whose session has had all codes named. Returns false if memory was short. */
bool
vmp_code_ask_name(uint64_t id);

/*
 * Codes that are forgotten stay readable until the writer has seen every sample
 * that was taken before: it marks a point and reads all rings. What was forgotten
 * before the mark is buried a round later, for a sample that was being taken then
 * may not have been in its ring.
 */
uint64_t
vmp_codes_mark(void);
void
vmp_codes_bury(uint64_t mark);

/* While a session is open the forgotten are kept, else freed at once. */
void
vmp_codes_keep_forgotten(bool keep);

/* Around fork(), the callbacks' lock outside all others. */
void
vmp_callbacks_lock(void);
void
vmp_callbacks_unlock(void);
void
vmp_codes_lock(void);
void
vmp_codes_unlock(void);

/* In the child, in place of unlocking both: no session wants names any more. */
void
vmp_codes_leave_to_parent(void);

#endif
