/* SPDX-License-Identifier: MIT */

#include "reader.h"

#include <string.h>

#include "../os/own_memory.h"

/* The page from `address` on, or NULL. */
static const unsigned char *
page_at(struct vmp_reader *reader, uint64_t address)
{
    const unsigned slot =
        (unsigned)(address / VMP_READER_PAGE) & (VMP_READER_PAGES - 1);

    if (reader->pages[slot] == address + 1)
        return reader->bytes[slot];
    reader->pages[slot] = 0;
    if (!vmp_own_memory_read(address, reader->bytes[slot], VMP_READER_PAGE))
        return NULL;
    reader->pages[slot] = address + 1;
    return reader->bytes[slot];
}

bool
vmp_read(struct vmp_reader *reader, uint64_t address, void *to, size_t size)
{
    unsigned char *at = to;

    while (size) {
        const size_t skip = (size_t)(address % VMP_READER_PAGE);
        const size_t part =
            size < VMP_READER_PAGE - skip ? size : VMP_READER_PAGE - skip;
        const unsigned char *const page = page_at(reader, address - skip);

        if (!page)
            return false;
        memcpy(at, page + skip, part);
        at += part;
        address += part;
        size -= part;
    }
    return true;
}

void
vmp_reader_forget(struct vmp_reader *reader)
{
    memset(reader->pages, 0, sizeof(reader->pages));
}
