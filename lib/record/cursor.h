/* SPDX-License-Identifier: MIT */

/* Taking numbers out of .eh_frame, which may say anything. The writer's alone.
 */
#ifndef VMP_CURSOR_H
#define VMP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

/* Bytes of an entry that are yet to be read; `bad` once they were too few. */
struct vmp_cursor {
    struct vmp_reader *reader;
    uint64_t at, end;
    bool bad;
};

/* So many bytes; zeros if they are not all there. */
void
vmp_take(struct vmp_cursor *c, void *to, size_t size);
uint8_t
vmp_take_byte(struct vmp_cursor *c);

/* A number of that size, or as long as it says itself. */
uint64_t
vmp_take_fixed(struct vmp_cursor *c, size_t size);
uint64_t
vmp_take_uleb(struct vmp_cursor *c);
int64_t
vmp_take_sleb(struct vmp_cursor *c);

/* An address or a size, as a DW_EH_PE_ byte has it. */
uint64_t
vmp_take_encoded(struct vmp_cursor *c, uint8_t encoding);

/* Leave out so many bytes. */
void
vmp_take_past(struct vmp_cursor *c, uint64_t size);

#endif
