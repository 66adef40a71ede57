/* SPDX-License-Identifier: MIT */

/* What unwinding has to know of the machine; one file each, in
 * record/signal/machine_*.c. Registers go by their DWARF numbers. */
#ifndef VMP_MACHINE_H
#define VMP_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    VMP_MAX_REGISTERS = 33,
};

struct vmp_registers {
    uint64_t value[VMP_MAX_REGISTERS];
};

struct vmp_machine {
    bool is_known; /* else there are no native frames */
    unsigned registers;
    unsigned pc, sp, fp;
    unsigned return_address; /* the register that rules name for it */
    unsigned red_zone;       /* bytes below SP that a function may use */
    uint64_t code_bits;      /* of a return address: others sign it */
};

extern const struct vmp_machine vmp_machine;

/* The registers of what a signal interrupted; `context` is a ucontext_t.
 * Signal context. */
void
vmp_registers_of_context(struct vmp_registers *registers, const void *context);

/* The instruction that it interrupted; 0: unknown. */
uint64_t
vmp_interrupted_at(const void *context);

/* What a signal met of a system call. */
enum vmp_call {
    VMP_NO_CALL,
    VMP_CALL_DONE,  /* it came while the call was at its end, or worked */
    VMP_CALL_ENDED, /* the call waited, and failed for it or is begun again; also
                       where that is not known */
};

/* And the address of the call's instruction, in `at`; 0: unknown. */
enum vmp_call
vmp_interrupted_call(const void *context, uint64_t *at);

#endif
