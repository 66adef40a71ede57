/* SPDX-License-Identifier: MIT */

/* Built where there is no libdw. */
#include "elf_file.h"

#include <stddef.h>

struct elf_file *
elf_file_open(const char *path, const char *build_id, uint64_t recorded_unix_ns,
              const char **reason)
{
    (void)path;
    (void)build_id;
    (void)recorded_unix_ns;
    *reason = "cannot be read: this vmprof was built without libdw";
    return NULL;
}

int
elf_file_find(struct elf_file *file, uint64_t address, struct symbol_list *list)
{
    (void)file;
    (void)address;
    list->count = 0;
    return 0;
}

void
elf_file_close(struct elf_file *file)
{
    (void)file;
}
