/* SPDX-License-Identifier: MIT */

/* The instructions of .eh_frame, and the row that they make. The writer's alone.
 */
#ifndef VMP_CFI_RUN_H
#define VMP_CFI_RUN_H

#include "../os/machine.h"
#include "cursor.h"

enum {
    VMP_CFI_REMEMBERED = 32, /* states at once; compilers need a few */
};

enum vmp_cfi_rule {
    VMP_RULE_SAME,
    VMP_RULE_UNDEFINED,
    VMP_RULE_OFFSET,
    VMP_RULE_OTHER,
};

/* A row while it is being computed. */
struct vmp_cfi_state {
    bool cfa_is_other, cfa_is_read;
    bool is_too_deep; /* more than that: it is not known any further */
    uint64_t cfa_register;
    int64_t cfa_offset;
    uint8_t rule[VMP_MAX_REGISTERS];
    int64_t offset[VMP_MAX_REGISTERS];
};

/* What a CIE says of its functions. */
struct vmp_cfi_common {
    uint64_t code_unit;
    int64_t data_unit;
    uint64_t return_address;
    uint8_t encoding; /* of addresses */
    bool has_augmentation, is_signal_frame;
    uint64_t start, end; /* instructions that come first */
};

/* Whether a register is one of the machine's that rows are about. */
static inline bool
vmp_cfi_knows(uint64_t number)
{
    return number < VMP_MAX_REGISTERS && number < vmp_machine.registers;
}

/* Run instructions up to those for `address`, from the one at `at` on; `first`
 * is what a CIE's made of the row. Returns false if they are nonsense. */
bool
vmp_cfi_run(struct vmp_cursor *c, const struct vmp_cfi_common *common,
            uint64_t at, uint64_t address, struct vmp_cfi_state *state,
            const struct vmp_cfi_state *first);

#endif
