/* SPDX-License-Identifier: MIT */

/*
 * Names of machine code, for a format that wants them while the program runs:
 * from the symbol tables of the mapped files, which are read, not mapped, for a
 * file may be cut short at any time. The writer's alone.
 */
#ifndef VMP_SYMBOLS_H
#define VMP_SYMBOLS_H

#include "../format/encoder.h"

struct vmp_symbol_file;

/* All zero is empty. */
struct vmp_symbols {
    struct vmp_symbol_file *files;
};

/* As a vmp_symbol_of_function. What has no name has that of its file. */
void
vmp_symbols_find(struct vmp_symbols *symbols,
                 const struct vmp_module_info *module, uint64_t address,
                 struct vmp_symbol *out);

void
vmp_symbols_free(struct vmp_symbols *symbols);

#endif
