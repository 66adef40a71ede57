/* SPDX-License-Identifier: MIT */

#include "image.h"

#include <elf.h>
#include <link.h>
#include <string.h>

enum {
    MOST_HEADERS = 64,
    MOST_NOTES = 64 << 10, /* bytes */
    LARGEST_PAGE = 64 << 10,
};

/* The name of a build id note among some notes. */
static void
find_build_id(struct vmp_module *module, struct vmp_reader *reader, uint64_t at,
              uint64_t size)
{
    const uint64_t end = at + (size < MOST_NOTES ? size : MOST_NOTES);
    ElfW(Nhdr) note;
    char name[4];

    while (at + sizeof(note) <= end &&
           vmp_read(reader, at, &note, sizeof(note))) {
        const uint64_t bytes =
            at + sizeof(note) + ((uint64_t)note.n_namesz + 3) / 4 * 4;

        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            note.n_descsz <= sizeof(module->build_id) &&
            vmp_read(reader, at + sizeof(note), name, 4) &&
            !memcmp(name, "GNU", 4) &&
            vmp_read(reader, bytes, module->build_id, note.n_descsz)) {
            module->build_id_size = note.n_descsz;
            return;
        }
        at = bytes + ((uint64_t)note.n_descsz + 3) / 4 * 4;
    }
}

void
vmp_image_read(struct vmp_module *module, struct vmp_reader *reader)
{
    ElfW(Phdr) headers[MOST_HEADERS];
    ElfW(Ehdr) elf;
    bool is_found = false;

    module->bias = module->start - module->offset;
    if (!module->image || !vmp_read(reader, module->image, &elf, sizeof(elf)) ||
        memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
        elf.e_phentsize != sizeof(*headers) || elf.e_phnum > MOST_HEADERS ||
        !vmp_read(reader, module->image + elf.e_phoff, headers,
                  elf.e_phnum * sizeof(*headers)))
        return;
    for (unsigned i = 0; i < elf.e_phnum && !is_found; i++) {
        const ElfW(Phdr) *const h = &headers[i];

        is_found = h->p_type == PT_LOAD && h->p_flags & PF_X &&
                   module->offset + LARGEST_PAGE > h->p_offset &&
                   module->offset < h->p_offset + h->p_filesz;
        if (is_found)
            module->bias += h->p_offset - h->p_vaddr;
    }
    for (unsigned i = 0; i < elf.e_phnum && is_found; i++) {
        const uint64_t at = module->bias + headers[i].p_vaddr;

        if (headers[i].p_type == PT_GNU_EH_FRAME)
            module->unwind_table = at;
        else if (headers[i].p_type == PT_NOTE && !module->build_id_size)
            find_build_id(module, reader, at, headers[i].p_memsz);
    }
}
