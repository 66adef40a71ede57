/* SPDX-License-Identifier: MIT */

/* Functions by the symbol tables of a file, sorted once. */
#ifndef SYMBOLS_ELF_SYMBOLS_H
#define SYMBOLS_ELF_SYMBOLS_H

#include <elfutils/libdwfl.h>

#include "ranges.h"

struct elf_symbols {
    Dwfl_Module *module;
    struct ranges ranges;
    char **names; /* by number in the table: demangled; NULL: not yet asked */
    uint32_t count;
};

/* Returns 0, also if there are none, or -ENOMEM. */
int
elf_symbols_open(struct elf_symbols *symbols, Dwfl_Module *module);

/* NULL: none that is known to reach there. */
const char *
elf_symbols_find(struct elf_symbols *symbols, uint64_t address);

void
elf_symbols_close(struct elf_symbols *symbols);

#endif
