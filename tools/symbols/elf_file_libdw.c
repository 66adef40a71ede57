/* SPDX-License-Identifier: MIT */

/*
 * By libdwfl, which finds separate debug information (build id, debuglink,
 * .gnu_debugdata) and checks that it belongs to the file.
 */
#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dwarf_unit.h"
#include "elf_file.h"
#include "elf_symbols.h"
#include "vdso.h"

struct elf_file {
    Dwfl *dwfl;
    Dwfl_Module *module;
    Dwarf_Addr bias; /* of addresses in the debug information */
    struct dwarf_unit *units;
    uint32_t unit_count, unit_capacity;
    struct ranges unit_ranges;
    struct elf_symbols symbols;
    struct paths paths;
};

static int
open_path(const char *path, const char **reason)
{
    int fd;

    if (*path != '/') {
        *reason = "is no file of this machine";
        return strcmp(path, "[vdso]") ? -1 : vdso_open();
    }
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        *reason = errno == ENOENT || errno == ENOTDIR ? "is not there any more"
                                                      : "cannot be opened";
    return fd;
}

static int
open_regular(const char *path, uint64_t *modified_ns, const char **reason)
{
    const int fd = open_path(path, reason);
    struct stat status;

    if (fd < 0)
        return -1;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        *modified_ns = (uint64_t)status.st_mtim.tv_sec * 1000000000 +
                       (uint64_t)status.st_mtim.tv_nsec;
        return fd;
    }
    *reason = "is not a regular file";
    close(fd);
    return -1;
}

static bool
is_build_id(const unsigned char *bytes, size_t size, const char *text)
{
    static const char digits[] = "0123456789abcdef";

    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (text[2 * i] != digits[bytes[i] >> 4] ||
            text[2 * i + 1] != digits[bytes[i] & 15])
            return false;
    return true;
}

static const char *
check_identity(Elf *elf, const char *build_id, bool is_younger)
{
    const void *bytes;
    const ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);

    if (size > 0)
        return is_build_id(bytes, (size_t)size, build_id)
                   ? NULL
                   : "is not the file that ran: its build id differs";
    if (*build_id)
        return "is not the file that ran: it has no build id";
    return is_younger ? "was changed after it ran, and has no build id" : NULL;
}

static const char *
check(struct elf_file *file, const char *build_id, bool is_younger)
{
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(file->module, &bias);
    GElf_Ehdr header;

    if (!elf || !gelf_getehdr(elf, &header) ||
        (header.e_type != ET_EXEC && header.e_type != ET_DYN))
        return "is neither a program nor a library";
    return check_identity(elf, build_id, is_younger);
}

/* At base 0 addresses of the module are those of its file. */
static bool
report_file(struct elf_file *file, const char *path, int fd)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = dwfl_standard_find_debuginfo,
        .section_address = dwfl_offline_section_address,
    };

    file->dwfl = dwfl_begin(&callbacks);
    if (file->dwfl) {
        dwfl_report_begin(file->dwfl);
        file->module = dwfl_report_elf(file->dwfl, path, path, fd, 0, true);
        dwfl_report_end(file->dwfl, NULL, NULL);
    }
    return file->module;
}

static int
add_unit(struct elf_file *file, Dwarf_Die *lines, Dwarf_Die *functions)
{
    Dwarf_Addr base = 0, low, high;
    ptrdiff_t at = 0;

    if (file->unit_count == file->unit_capacity) {
        const uint32_t more =
            file->unit_capacity ? file->unit_capacity * 2 : 64;
        struct dwarf_unit *bigger =
            reallocarray(file->units, more, sizeof(*bigger));

        if (!bigger)
            return -ENOMEM;
        file->units = bigger;
        file->unit_capacity = more;
    }
    while ((at = dwarf_ranges(lines, at, &base, &low, &high)) > 0 &&
           file->unit_ranges.added_count < MAX_RANGES)
        if (low &&
            ranges_add(&file->unit_ranges, low, high, 0, file->unit_count))
            return -ENOMEM;
    file->units[file->unit_count++] =
        (struct dwarf_unit){ .lines = *lines, .functions = *functions };
    return 0;
}

static int
add_units(struct elf_file *file)
{
    Dwarf *dwarf = dwfl_module_getdwarf(file->module, &file->bias);
    Dwarf_CU *unit = NULL;
    Dwarf_Die lines, split;
    uint8_t type;
    int result = 0;

    while (dwarf && !result &&
           dwarf_get_units(dwarf, unit, &unit, NULL, &type, &lines, &split) ==
               0) {
        if (dwarf_tag(&lines) == DW_TAG_compile_unit ||
            dwarf_tag(&lines) == DW_TAG_skeleton_unit)
            result = add_unit(
                file, &lines,
                type == DW_UT_skeleton && dwarf_tag(&split) ? &split : &lines);
    }
    return result ? result : ranges_finish(&file->unit_ranges);
}

struct elf_file *
elf_file_open(const char *path, const char *build_id, uint64_t recorded_unix_ns,
              const char **reason)
{
    uint64_t modified_ns = 0;
    int fd = open_regular(path, &modified_ns, reason);
    struct elf_file *file = fd < 0 ? NULL : calloc(1, sizeof(*file));

    if (fd < 0)
        return NULL;
    *reason = "needs more memory than there is";
    if (file && !report_file(file, path, fd)) {
        *reason = "is not an ELF file that can be read";
    } else if (file) {
        fd = -1; /* libdwfl's from now on */
        *reason = check(file, build_id, modified_ns > recorded_unix_ns);
        if (!*reason &&
            (add_units(file) || elf_symbols_open(&file->symbols, file->module)))
            *reason = "needs more memory than there is";
    }
    if (fd >= 0)
        close(fd);
    if (!*reason)
        return file;
    elf_file_close(file);
    return NULL;
}

/* Names from the table of symbols stand for units that are without. */
static void
add_name(struct elf_file *file, uint64_t address, struct symbol_list *list)
{
    const char *name = elf_symbols_find(&file->symbols, address);

    if (name && !list->count)
        list->symbols[list->count++] =
            (struct symbol){ .file = "", .at_file = "" };
    if (name)
        list->symbols[0].function = name;
    else if (list->count == 1 && !*list->symbols[0].function)
        list->count = 0;
}

int
elf_file_find(struct elf_file *file, uint64_t address, struct symbol_list *list)
{
    uint32_t unit;
    int result = 0;

    list->count = 0;
    if (ranges_find(&file->unit_ranges, address - file->bias, &unit))
        result = dwarf_unit_find(&file->units[unit], &file->paths,
                                 address - file->bias, list);
    if (!result && (!list->count || !*list->symbols[0].function))
        add_name(file, address, list);
    return result;
}

void
elf_file_close(struct elf_file *file)
{
    if (!file)
        return;
    for (uint32_t i = 0; i < file->unit_count; i++)
        dwarf_unit_close(&file->units[i]);
    free(file->units);
    ranges_free(&file->unit_ranges);
    elf_symbols_close(&file->symbols);
    paths_free(&file->paths);
    if (file->dwfl)
        dwfl_end(file->dwfl);
    free(file);
}
