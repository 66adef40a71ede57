/* SPDX-License-Identifier: MIT */

/* The functions of one ELF file, with what its debug information adds. */
#ifndef SYMBOLS_ELF_FILE_H
#define SYMBOLS_ELF_FILE_H

#include "symbol_list.h"

struct elf_file;

/*
 * Open a file if it is the one that ran: by its build id (in hexadecimal), or,
 * where there is none, by being no younger than the recording. NULL: not used,
 * and `reason` says why.
 */
struct elf_file *
elf_file_open(const char *path, const char *build_id, uint64_t recorded_unix_ns,
              const char **reason);

/*
 * Fill `list`, which stays empty if nothing is known of the address. Its texts
 * are good until elf_file_close(). Returns 0 or -ENOMEM.
 */
int
elf_file_find(struct elf_file *file, uint64_t address,
              struct symbol_list *list);

/* NULL is fine. */
void
elf_file_close(struct elf_file *file);

#endif
