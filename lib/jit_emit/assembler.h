/* SPDX-License-Identifier: MIT */

/* What the emitters of all machines share. Pure functions: each writes for its
 * machine on any host. */
#ifndef VMP_ASSEMBLER_H
#define VMP_ASSEMBLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vmprof/emit.h>

/* Where in the structs. */
enum {
    VMP_AT_TRACE = offsetof(struct vmprof_thread, trace),
    VMP_AT_RING = offsetof(struct vmprof_thread, jit_ring),
    VMP_AT_INDEX = offsetof(struct vmprof_jit_ring, index),
    VMP_AT_LIMIT = offsetof(struct vmprof_jit_ring, limit),
    VMP_AT_RECORDS = offsetof(struct vmprof_jit_ring, records),
    VMP_AT_MASK = offsetof(struct vmprof_jit_ring, mask),
    VMP_AT_INNER = offsetof(struct vmprof_jit_ring, inner),
    VMP_AT_FULL = offsetof(struct vmprof_jit_ring, full),
};

/* Machine code as it is written. What does not fit is counted and left out. */
struct vmp_assembler {
    unsigned char *code;
    size_t size, used;
};

static inline void
vmp_assemble(struct vmp_assembler *a, const void *bytes, size_t size)
{
    if (a->used + size <= a->size)
        memcpy(a->code + a->used, bytes, size);
    a->used += size;
}

static inline void
vmp_assemble_u32(struct vmp_assembler *a, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        const unsigned char byte = (unsigned char)(value >> 8 * i);

        vmp_assemble(a, &byte, 1);
    }
}

/* Whether there is room for what was written up to now. */
static inline bool
vmp_assembler_fits(const struct vmp_assembler *a)
{
    return a->used <= a->size;
}

/* What the thread's record says runs after an edge. */
static inline uint32_t
vmp_current_after(const struct vmprof_emit *emit)
{
    return emit->edge == VMPROF_EDGE_EXIT || emit->edge == VMPROF_EDGE_CALL
               ? 0
               : emit->id;
}

/* A record of an edge but for its time. */
static inline uint32_t
vmp_record_word(const struct vmprof_emit *emit)
{
    return emit->id << VMPROF_RECORD_ID_SHIFT | emit->edge;
}

/* A register that may be changed and is not one of `except`; -1: there is none. */
static inline int
vmp_take_register(uint32_t *scratch, uint32_t except)
{
    for (int i = 0; i < 32; i++)
        if (*scratch & ~except & (uint32_t)1 << i) {
            *scratch &= ~((uint32_t)1 << i);
            return i;
        }
    return -1;
}

/* What an edge reads, which it does not choose to write to. */
static inline uint32_t
vmp_registers_read(const struct vmprof_emit *emit)
{
    return emit->base <= VMPROF_BASE_MEMORY ? (uint32_t)1 << emit->base_register
                                            : 0;
}

/* Registers that an edge may name or be given, bits by number. */
struct vmp_emitter {
    uint32_t registers;      /* hold the record, and are scratch */
    uint32_t base_registers; /* have its address at a displacement */
    void (*edge)(struct vmp_assembler *a, const struct vmprof_emit *emit);
};

extern const struct vmp_emitter vmp_emitter_x86_64, vmp_emitter_aarch64;

#endif
