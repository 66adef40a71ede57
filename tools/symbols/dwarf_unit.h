/* SPDX-License-Identifier: MIT */

/*
 * The functions of one compilation unit and what was inlined into them: walked
 * once, so that an address costs two binary searches.
 */
#ifndef SYMBOLS_DWARF_UNIT_H
#define SYMBOLS_DWARF_UNIT_H

#include <elfutils/libdw.h>

#include "paths.h"
#include "ranges.h"
#include "symbol_list.h"

struct dwarf_unit {
    Dwarf_Die lines;     /* its line table is that of this DIE */
    Dwarf_Die functions; /* the same, but for split DWARF */
    bool is_walked;
    struct scope *scopes;
    uint32_t scope_count, scope_capacity;
    struct ranges ranges;
    char **to_free; /* names */
    uint32_t to_free_count, to_free_capacity;
};

/*
 * Fill `list` for an address of the unit, as DWARF counts it. A symbol without
 * a name is one where only the line is known. Returns 0 or -ENOMEM.
 */
int
dwarf_unit_find(struct dwarf_unit *unit, struct paths *paths, uint64_t address,
                struct symbol_list *list);

void
dwarf_unit_close(struct dwarf_unit *unit);

#endif
