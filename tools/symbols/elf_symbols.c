/* SPDX-License-Identifier: MIT */

#include "elf_symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "demangle.h"

enum {
    RANK_BITS = 16,
};

static bool
is_function(const GElf_Sym *symbol, GElf_Word section)
{
    const unsigned type = GELF_ST_TYPE(symbol->st_info);

    return symbol->st_size && section != SHN_UNDEF &&
           (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

/* Of several names: functions, names that are seen from outside, short ones. */
static uint64_t
rank(const GElf_Sym *symbol, const char *name)
{
    const unsigned binding = GELF_ST_BIND(symbol->st_info);
    const bool typed = GELF_ST_TYPE(symbol->st_info) != STT_NOTYPE;
    const size_t size = strlen(name);
    const unsigned scope = binding == STB_GLOBAL ? 3
                           : binding == STB_WEAK ? 2
                                                 : 1;
    const unsigned shortness = size < 1023 ? 1023 - (unsigned)size : 0;

    return (uint64_t)typed << 12 | scope << 10 | shortness;
}

/* What is inside something else is what counts, and so the smaller one. */
static uint64_t
priority_of(const GElf_Sym *symbol, const char *name)
{
    const uint64_t most = UINT64_MAX >> RANK_BITS;
    const uint64_t size = symbol->st_size < most ? symbol->st_size : most;

    return (most - size) << RANK_BITS | rank(symbol, name);
}

static int
add_symbol(struct elf_symbols *symbols, uint32_t number)
{
    GElf_Sym symbol;
    GElf_Addr address;
    GElf_Word section;
    const char *name = dwfl_module_getsym_info(
        symbols->module, (int)number, &symbol, &address, &section, NULL, NULL);

    if (!name || !*name || !is_function(&symbol, section) ||
        symbol.st_size > UINT64_MAX - address)
        return 0;
    return ranges_add(&symbols->ranges, address, address + symbol.st_size,
                      priority_of(&symbol, name), number);
}

int
elf_symbols_open(struct elf_symbols *symbols, Dwfl_Module *module)
{
    const int count = dwfl_module_getsymtab(module);
    int result = 0;

    symbols->module = module;
    if (count <= 0)
        return 0;
    symbols->names = calloc((size_t)count, sizeof(*symbols->names));
    if (!symbols->names)
        return -ENOMEM;
    symbols->count = (uint32_t)count;
    for (uint32_t i = 0; i < symbols->count && !result; i++)
        result = add_symbol(symbols, i);
    return result ? result : ranges_finish(&symbols->ranges);
}

const char *
elf_symbols_find(struct elf_symbols *symbols, uint64_t address)
{
    uint32_t number;
    GElf_Sym symbol;
    GElf_Addr value;
    const char *name;

    if (!ranges_find(&symbols->ranges, address, &number))
        return NULL;
    if (symbols->names[number])
        return symbols->names[number];
    name = dwfl_module_getsym_info(symbols->module, (int)number, &symbol,
                                   &value, NULL, NULL, NULL);
    if (name)
        symbols->names[number] = demangle(name);
    return symbols->names[number] ? symbols->names[number] : name;
}

void
elf_symbols_close(struct elf_symbols *symbols)
{
    for (uint32_t i = 0; i < symbols->count; i++)
        free(symbols->names[i]);
    free(symbols->names);
    ranges_free(&symbols->ranges);
}
