/* SPDX-License-Identifier: MIT */

/* What a class of codes tells of its bytecodes. */
#ifndef VMP_INTERP_CLASSES_H
#define VMP_INTERP_CLASSES_H

#include <stdbool.h>

#include <vmprof/interp.h>

#include "table.h"

/* Never freed. */
struct vmp_interp_class {
    struct vmprof_interp_functions functions;
    const struct vmprof_code_class *code_class;
    uint64_t number; /* from 1 */
};

/* The functions of a code's class, or NULL. Takes the codes' lock. */
const struct vmp_interp_class *
vmp_interp_class_of(uint64_t code);

/* What they say; 0 or NULL if they say nothing or the code is forgotten. Under
 * vmp_callbacks_lock(), and without the others. */
uint32_t
vmp_interp_line(const struct vmp_interp_class *functions, uint64_t code,
                uint64_t offset);
uint64_t
vmp_interp_hash(const struct vmp_interp_class *functions, uint64_t code);
const char *
vmp_interp_opcode(const struct vmp_interp_class *functions, uint32_t opcode);
bool
vmp_interp_next_site(const struct vmp_interp_class *functions, uint64_t code,
                     uint64_t *offset, uint32_t *opcode);

/* What hits of a counter of a code were; of no place if that is not told. Under
 * vmp_callbacks_lock() and vmp_interp_lock(). */
struct vmp_known_hits
vmp_interp_known(uint64_t code, size_t index);

#endif
