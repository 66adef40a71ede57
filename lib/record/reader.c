/* SPDX-License-Identifier: MIT */

#include "reader.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* The page from `address` on, or NULL. */
static const unsigned char *
page_at(struct vmp_reader *reader, uint64_t address)
{
    const unsigned slot =
        (unsigned)(address / VMP_READER_PAGE) & (VMP_READER_PAGES - 1);
    struct iovec to = { reader->bytes[slot], VMP_READER_PAGE };
    struct iovec from = { (void *)(uintptr_t)address, VMP_READER_PAGE };

    if (reader->pages[slot] == address + 1)
        return reader->bytes[slot];
    reader->pages[slot] = 0;
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != VMP_READER_PAGE)
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
