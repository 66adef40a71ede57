/* SPDX-License-Identifier: MIT */

/* Reading memory of this process that another thread may unmap meanwhile. */
#ifndef VMP_READER_H
#define VMP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VMP_READER_PAGE = 4096,
    VMP_READER_PAGES = 16, /* a power of two */
};

/* The pages read last. All zero is empty. */
struct vmp_reader {
    uint64_t pages[VMP_READER_PAGES]; /* their addresses plus 1 */
    unsigned char bytes[VMP_READER_PAGES][VMP_READER_PAGE];
};

/* Copy bytes from `address`; false if they are not all readable. */
bool
vmp_read(struct vmp_reader *reader, uint64_t address, void *to, size_t size);

/* What was read may have changed. */
void
vmp_reader_forget(struct vmp_reader *reader);

#endif
