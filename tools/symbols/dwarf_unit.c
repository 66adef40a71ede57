/* SPDX-License-Identifier: MIT */

#include "dwarf_unit.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "demangle.h"

enum {
    MAX_DEPTH = 512,
    /* What no compiler makes, but a hostile file may ask for. */
    MAX_DIES = 1 << 26,
};

#define NO_SCOPE UINT32_MAX

/* A function, or a call that was inlined. */
struct scope {
    Dwarf_Die die;
    uint32_t outer; /* what an inlined call is in; NO_SCOPE: a function */
    bool is_named;
    struct symbol symbol; /* its at_… are those of the call */
};

struct walk {
    struct dwarf_unit *unit;
    uint32_t dies, ranges;
};

static int
add_scope(struct walk *walk, const Dwarf_Die *die, uint32_t outer)
{
    struct dwarf_unit *unit = walk->unit;

    if (unit->scope_count == unit->scope_capacity) {
        const uint32_t more =
            unit->scope_capacity ? unit->scope_capacity * 2 : 64;
        struct scope *bigger =
            reallocarray(unit->scopes, more, sizeof(*bigger));

        if (!bigger)
            return -ENOMEM;
        unit->scopes = bigger;
        unit->scope_capacity = more;
    }
    unit->scopes[unit->scope_count++] =
        (struct scope){ .die = *die, .outer = outer };
    return 0;
}

/*
 * What a linker threw away is left at address 0 or at the end of all of them.
 * Returns how many ranges there are, or a negative errno.
 */
static int
add_ranges(struct walk *walk, Dwarf_Die *die, unsigned depth, uint32_t scope)
{
    Dwarf_Addr base = 0, low, high;
    ptrdiff_t at = 0;
    int count = 0;

    while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0 &&
           walk->ranges++ < MAX_RANGES) {
        if (low == 0)
            continue;
        if (ranges_add(&walk->unit->ranges, low, high, depth, scope))
            return -ENOMEM;
        count++;
    }
    return count;
}

static int
walk_children(struct walk *walk, Dwarf_Die *parent, unsigned depth,
              uint32_t outer);

/* A scope without code is a declaration, or what others are inlined from. */
static int
walk_scope(struct walk *walk, Dwarf_Die *die, unsigned depth, uint32_t outer)
{
    const uint32_t number = walk->unit->scope_count;
    int count = add_ranges(walk, die, depth, number);

    if (count <= 0)
        return count;
    if (add_scope(walk, die, outer))
        return -ENOMEM;
    return walk_children(walk, die, depth + 1, number);
}

static int
walk_die(struct walk *walk, Dwarf_Die *die, unsigned depth, uint32_t outer)
{
    switch (dwarf_tag(die)) {
    case DW_TAG_subprogram:
        return walk_scope(walk, die, depth, NO_SCOPE);
    case DW_TAG_inlined_subroutine:
        return walk_scope(walk, die, depth, outer);
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
    case DW_TAG_with_stmt:
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
        return walk_children(walk, die, depth + 1, outer);
    }
    return 0;
}

static int
walk_children(struct walk *walk, Dwarf_Die *parent, unsigned depth,
              uint32_t outer)
{
    Dwarf_Die die;
    int result = 0;

    if (depth > MAX_DEPTH || dwarf_child(parent, &die) != 0)
        return 0;
    do {
        if (walk->dies++ > MAX_DIES)
            return 0;
        result = walk_die(walk, &die, depth, outer);
    } while (!result && dwarf_siblingof(&die, &die) == 0);
    return result;
}

static int
walk_unit(struct dwarf_unit *unit)
{
    struct walk walk = { .unit = unit };
    int result = walk_children(&walk, &unit->functions, 0, NO_SCOPE);

    unit->is_walked = true;
    return result ? result : ranges_finish(&unit->ranges);
}

static const char *
text_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;

    return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

/* Where the names of files in a unit begin. */
static const char *
directory_of(Dwarf_Die *unit)
{
    return text_of(unit, DW_AT_comp_dir);
}

static const char *
keep_text(struct dwarf_unit *unit, char *text)
{
    if (unit->to_free_count == unit->to_free_capacity) {
        const uint32_t more =
            unit->to_free_capacity ? unit->to_free_capacity * 2 : 64;
        char **bigger = reallocarray(unit->to_free, more, sizeof(*bigger));

        if (!bigger) {
            free(text);
            return NULL;
        }
        unit->to_free = bigger;
        unit->to_free_capacity = more;
    }
    unit->to_free[unit->to_free_count++] = text;
    return text;
}

/* The linker's name says more than the plain one: class, namespace, types. */
static const char *
name_of(struct dwarf_unit *unit, Dwarf_Die *die)
{
    const char *linkage = text_of(die, DW_AT_linkage_name);
    const char *name = text_of(die, DW_AT_name);
    char *demangled;

    if (!linkage)
        linkage = text_of(die, DW_AT_MIPS_linkage_name);
    if (!linkage)
        return name ? name : "";
    demangled = demangle(linkage);
    return demangled ? keep_text(unit, demangled) : linkage;
}

static uint32_t
number_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;

    if (dwarf_formudata(dwarf_attr_integrate(die, name, &attribute), &value) ||
        value > UINT32_MAX)
        return 0;
    return (uint32_t)value;
}

static const char *
file_of_unit(struct paths *paths, Dwarf_Die *unit, uint32_t number)
{
    Dwarf_Files *files;
    size_t count;

    if (dwarf_getsrcfiles(unit, &files, &count) || number >= count)
        return "";
    return paths_join(paths, directory_of(unit),
                      dwarf_filesrc(files, number, NULL, NULL));
}

/* The declaration may be in another unit, with files of its own. */
static const char *
declaring_file(struct paths *paths, Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Die unit;

    if (!dwarf_attr_integrate(die, DW_AT_decl_file, &attribute) ||
        dwarf_cu_info(attribute.cu, NULL, NULL, &unit, NULL, NULL, NULL, NULL))
        return "";
    return file_of_unit(paths, &unit, number_of(die, DW_AT_decl_file));
}

static int
name_scope(struct dwarf_unit *unit, struct paths *paths, struct scope *scope)
{
    struct symbol *symbol = &scope->symbol;

    symbol->function = name_of(unit, &scope->die);
    symbol->file = declaring_file(paths, &scope->die);
    symbol->first_line = number_of(&scope->die, DW_AT_decl_line);
    symbol->at_file = "";
    if (scope->outer != NO_SCOPE) {
        symbol->at_file = file_of_unit(paths, &unit->functions,
                                       number_of(&scope->die, DW_AT_call_file));
        symbol->at_line = number_of(&scope->die, DW_AT_call_line);
    }
    scope->is_named = true;
    return symbol->function && symbol->file && symbol->at_file ? 0 : -ENOMEM;
}

/* Sets the place of an address; it stays unknown where there is no line. */
static int
find_line(struct dwarf_unit *unit, struct paths *paths, uint64_t address,
          struct symbol *place)
{
    Dwarf_Line *line = dwarf_getsrc_die(&unit->lines, address);
    int number = 0;

    place->at_file = "";
    if (!line || dwarf_lineno(line, &number) || number <= 0)
        return 0;
    place->at_line = (uint32_t)number;
    place->at_file = paths_join(paths, directory_of(&unit->lines),
                                dwarf_linesrc(line, NULL, NULL));
    return place->at_file ? 0 : -ENOMEM;
}

/* From the innermost call outwards; each is where the one within was called. */
static int
fill_list(struct dwarf_unit *unit, struct paths *paths, uint32_t number,
          struct symbol place, struct symbol_list *list)
{
    while (number != NO_SCOPE && list->count < MAX_SYMBOLS) {
        struct scope *scope = &unit->scopes[number];
        struct symbol *symbol = &list->symbols[list->count++];

        if (!scope->is_named && name_scope(unit, paths, scope))
            return -ENOMEM;
        *symbol = scope->symbol;
        symbol->at_file = place.at_file;
        symbol->at_line = place.at_line;
        place = scope->symbol;
        number = scope->outer;
    }
    return 0;
}

static void
reverse(struct symbol_list *list)
{
    for (uint32_t i = 0, j = list->count; i + 1 < j; i++) {
        const struct symbol symbol = list->symbols[i];

        list->symbols[i] = list->symbols[--j];
        list->symbols[j] = symbol;
    }
}

int
dwarf_unit_find(struct dwarf_unit *unit, struct paths *paths, uint64_t address,
                struct symbol_list *list)
{
    struct symbol place = { .function = "", .file = "" };
    uint32_t number;
    int result = 0;

    if (!unit->is_walked)
        result = walk_unit(unit);
    if (!result)
        result = find_line(unit, paths, address, &place);
    if (result)
        return result;
    if (!ranges_find(&unit->ranges, address, &number)) {
        if (place.at_line)
            list->symbols[list->count++] = place;
        return 0;
    }
    result = fill_list(unit, paths, number, place, list);
    reverse(list);
    return result;
}

void
dwarf_unit_close(struct dwarf_unit *unit)
{
    for (uint32_t i = 0; i < unit->to_free_count; i++)
        free(unit->to_free[i]);
    free(unit->to_free);
    free(unit->scopes);
    ranges_free(&unit->ranges);
}
