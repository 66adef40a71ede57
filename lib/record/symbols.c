/* SPDX-License-Identifier: MIT */

#include "symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vmprof/code.h>

/* A table that says it is larger is taken for nonsense. */
static const uint64_t MOST_BYTES = (uint64_t)512 << 20;

struct function {
    uint64_t start, size; /* as the file has it; size 0: up to the next */
    const char *name;
    bool is_global;
};

struct vmp_symbol_file {
    struct vmp_symbol_file *next;
    char *path;
    char *strings;
    size_t strings_size;
    struct function *functions; /* by start */
    size_t count;
};

struct elf {
    int fd;
    ElfW(Shdr) * sections;
    size_t section_count;
};

/* `size` bytes at `offset`, and a NUL behind them; NULL if they are not there. */
static void *
read_bytes(int fd, uint64_t offset, uint64_t size)
{
    char *bytes;
    uint64_t done = 0;

    if (size > MOST_BYTES)
        return NULL;
    bytes = malloc((size_t)size + 1);
    while (bytes && done < size) {
        const ssize_t got = pread(fd, bytes + done, (size_t)(size - done),
                                  (off_t)(offset + done));
        if (got <= 0) {
            free(bytes);
            return NULL;
        }
        done += (uint64_t)got;
    }
    if (bytes)
        bytes[size] = 0;
    return bytes;
}

static bool
open_elf(struct elf *elf, const char *path)
{
    const unsigned char class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    struct stat status;
    ElfW(Ehdr) header;

    elf->sections = NULL;
    elf->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (elf->fd < 0)
        return false;
    if (fstat(elf->fd, &status) < 0 || !S_ISREG(status.st_mode) ||
        pread(elf->fd, &header, sizeof(header), 0) != sizeof(header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != class ||
        header.e_shentsize != sizeof(*elf->sections))
        return false;
    elf->section_count = header.e_shnum;
    elf->sections =
        read_bytes(elf->fd, header.e_shoff,
                   (uint64_t)header.e_shnum * sizeof(*elf->sections));
    return elf->sections != NULL;
}

static void
close_elf(struct elf *elf)
{
    if (elf->fd >= 0)
        close(elf->fd);
    free(elf->sections);
}

/* The full table, or else that of the dynamic linker; NULL: neither. */
static const ElfW(Shdr) * find_table(const struct elf *elf)
{
    const ElfW(Shdr) *found = NULL;

    for (size_t i = 0; i < elf->section_count; i++) {
        const ElfW(Shdr) *const section = &elf->sections[i];

        if (section->sh_entsize != sizeof(ElfW(Sym)) ||
            section->sh_link >= elf->section_count)
            continue;
        if (section->sh_type == SHT_SYMTAB)
            return section;
        if (section->sh_type == SHT_DYNSYM)
            found = section;
    }
    return found;
}

/* Of several names the program's own comes first, and then any, but always the
 * same. */
static int
compare(const void *a, const void *b)
{
    const struct function *const left = a, *const right = b;

    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    if (left->is_global != right->is_global)
        return left->is_global ? -1 : 1;
    return strcmp(left->name, right->name);
}

static bool
is_function(const struct vmp_symbol_file *file, const ElfW(Sym) * symbol)
{
    const unsigned type = symbol->st_info & 15; /* in both classes */

    return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_value &&
           symbol->st_shndx != SHN_UNDEF &&
           symbol->st_name < file->strings_size &&
           file->strings[symbol->st_name];
}

static void
take_functions(struct vmp_symbol_file *file, const ElfW(Sym) * symbols,
               size_t count)
{
    file->functions = reallocarray(NULL, count + 1, sizeof(*file->functions));
    if (!file->functions)
        return;
    for (size_t i = 0; i < count; i++)
        if (is_function(file, &symbols[i]))
            file->functions[file->count++] = (struct function){
                .start = symbols[i].st_value,
                .size = symbols[i].st_size,
                .name = file->strings + symbols[i].st_name,
                .is_global = symbols[i].st_info >> 4 == STB_GLOBAL,
            };
    qsort(file->functions, file->count, sizeof(*file->functions), compare);
}

static void
read_functions(struct vmp_symbol_file *file)
{
    const ElfW(Shdr) *table = NULL, *strings;
    struct elf elf;
    ElfW(Sym) * symbols;

    if (open_elf(&elf, file->path))
        table = find_table(&elf);
    if (table) {
        strings = &elf.sections[table->sh_link];
        file->strings =
            read_bytes(elf.fd, strings->sh_offset, strings->sh_size);
        file->strings_size = file->strings ? strings->sh_size : 0;
        symbols = read_bytes(elf.fd, table->sh_offset, table->sh_size);
        if (symbols && file->strings)
            take_functions(file, symbols, table->sh_size / sizeof(*symbols));
        free(symbols);
    }
    close_elf(&elf);
}

/* NULL: no memory. */
static const struct vmp_symbol_file *
find_file(struct vmp_symbols *symbols, const char *path)
{
    struct vmp_symbol_file *file = symbols->files;

    while (file && strcmp(file->path, path) != 0)
        file = file->next;
    if (file)
        return file;
    file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    file->path = strdup(path);
    if (!file->path) {
        free(file);
        return NULL;
    }
    read_functions(file);
    file->next = symbols->files;
    symbols->files = file;
    return file;
}

/* The last function that begins at or before an address, if it goes that far. */
static const struct function *
find_function(const struct vmp_symbol_file *file, uint64_t address)
{
    size_t low = 0, high = file->count;
    const struct function *found;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (file->functions[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    found = &file->functions[low - 1];
    while (found > file->functions && found[-1].start == found->start)
        found--;
    return !found->size || address - found->start < found->size ? found : NULL;
}

/* "[libfoo.so]" */
static void
name_module(char *to, size_t size, const char *path)
{
    const char *const slash = strrchr(path, '/');

    if (*path == '[')
        snprintf(to, size, "%s", path);
    else
        snprintf(to, size, "[%s]", slash ? slash + 1 : path);
}

static void
set_name(struct vmp_symbol *out, const char *function, const char *path)
{
    const int size = vmprof_format_name(out->name, sizeof(out->name), "n",
                                        function, 0, path);

    out->size = size < 0 ? 0 : (size_t)size;
}

void
vmp_symbols_find(struct vmp_symbols *symbols,
                 const struct vmp_module_info *module, uint64_t address,
                 struct vmp_symbol *out)
{
    const struct vmp_symbol_file *const file =
        module ? find_file(symbols, module->path) : NULL;
    const struct function *const function =
        file ? find_function(file, address) : NULL;
    char whole[NAME_MAX + 3] = "[anonymous memory]";

    out->scope = (uintptr_t)file;
    if (function) {
        out->start = function->start + module->bias;
        set_name(out, function->name, file->path);
        return;
    }
    /* All that has no name in a file is one function of it. */
    out->start = module ? module->bias : 0;
    if (module)
        name_module(whole, sizeof(whole), module->path);
    set_name(out, whole, module ? module->path : "-");
}

void
vmp_symbols_free(struct vmp_symbols *symbols)
{
    while (symbols->files) {
        struct vmp_symbol_file *const file = symbols->files;

        symbols->files = file->next;
        free(file->functions);
        free(file->strings);
        free(file->path);
        free(file);
    }
}
