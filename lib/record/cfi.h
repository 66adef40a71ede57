/* SPDX-License-Identifier: MIT */

/*
 * Unwinding rules of one instruction, as .eh_frame has them, in a form that can
 * be kept and followed at once. Rules that take an expression are left to
 * whoever can (see step.h). The writer's alone.
 */
#ifndef VMP_CFI_H
#define VMP_CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"

enum {
    VMP_ROW_SAVED = 13, /* all that the ABIs have a function keep, and the RA */
};

enum vmp_row_kind {
    VMP_ROW_NONE,  /* nothing is known */
    VMP_ROW_PLAIN, /* as the row says */
    VMP_ROW_LAST,  /* the same, and nothing called it */
    VMP_ROW_OTHER, /* there are rules, but no row can hold them */
};

struct vmp_row {
    uint8_t kind; /* enum vmp_row_kind */
    bool is_signal_frame;
    bool cfa_is_read;     /* CFA = the word at (register + offset) */
    uint8_t cfa_register; /* else CFA = register + offset */
    int32_t cfa_offset;
    uint8_t count;
    uint8_t saved[VMP_ROW_SAVED]; /* registers: they are in the words at */
    int16_t at[VMP_ROW_SAVED];    /* CFA + 8 * at */
};

/* Find the row of the instruction at `address` by the .eh_frame_hdr at `table`.
 */
void
vmp_cfi_row(struct vmp_reader *reader, uint64_t table, uint64_t address,
            struct vmp_row *row);

/* Where the function begins and ends that the instruction is of. False: nothing
 * is known. */
bool
vmp_cfi_extent(struct vmp_reader *reader, uint64_t table, uint64_t address,
               uint64_t *start, uint64_t *end);

#endif
