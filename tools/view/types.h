/* SPDX-License-Identifier: MIT */

/* The types that the page shows beside a function. */
#ifndef VIEW_TYPES_H
#define VIEW_TYPES_H

#include "../export/fold.h"

/*
 * Write the member "types" for the functions in `fold`, whose labels are
 * functions above `kind_bits` bits: an array of [function, sites], a site being
 * [line, opcode, kind, bytecodes, [[names, percent], …], percent of others].
 * Returns 0 or -ENOMEM.
 */
int
write_types(const struct profile *profile, const struct functions *functions,
            const struct fold *fold, unsigned kind_bits, FILE *out);

#endif
