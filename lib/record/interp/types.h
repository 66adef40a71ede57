/* SPDX-License-Identifier: MIT */

/* The registry of types: from an id to a name, and back. All but the public
 * functions are called under vmp_interp_lock(). */
#ifndef VMP_INTERP_TYPES_H
#define VMP_INTERP_TYPES_H

#include <vmprof/interp.h>

/* A tuple holds a type, or does so no more. A type that is forgotten keeps its
 * name as long as one does. */
void
vmp_type_hold(vmprof_type_id type);
void
vmp_type_release(vmprof_type_id type);

/* Its name; what is shown for one that never was, or was forgotten before it
 * was seen. */
const char *
vmp_type_name(vmprof_type_id type);

#endif
