/* SPDX-License-Identifier: MIT */

/*
 * Edges as code of aarch64, in its little-endian form. What a signal finds in
 * between is what the functions of jit.h would show. Flags change only where
 * there is no room for an event.
 */

#include "assembler.h"

enum {
    X0 = 0,
    X30 = 30,
    SP = 31, /* or the zero register */
    MOST_TEMPORARIES = 5,
    SLOT = 16, /* what the stack grows by */
    SIGN = 63, /* the bit */
};

/* Instructions of 64 bits, with all operands 0. */
#define ADD_CONSTANT 0x91000000u
#define AND          0x8a000000u
#define BLR          0xd63f0000u
#define CBNZ_32      0x35000000u
#define CBZ          0xb4000000u
#define LDP_POP      0xa8c10000u
#define LDR          0xf9400000u
#define LDR_POP      0xf8410400u
#define LDR_REGISTER 0xf8606800u
#define LDUR         0xf8400000u
#define LDXR         0xc85f7c00u
#define MOVK         0xf2800000u
#define MOVZ         0xd2800000u
#define MRS_COUNTER  0xd53be040u
#define MRS_FLAGS    0xd53b4200u
#define MSR_FLAGS    0xd51b4200u
#define ORR          0xaa000000u
#define STLR         0xc89ffc00u
#define STP_PUSH     0xa9bf0000u
#define STR          0xf9000000u
#define STR_INDEXED  0xf8207800u
#define STR_PUSH     0xf81f0c00u
#define STXR         0xc8007c00u
#define SUB          0xcb000000u
#define TBNZ_SIGN    0xb7f80000u
#define TBZ_SIGN     0xb6f80000u

/* What an edge has of registers, and has done to the stack. */
struct frame {
    int temporary[MOST_TEMPORARIES];
    unsigned count;
    unsigned saved; /* of these, the last so many */
    int32_t depth;  /* bytes that the stack has grown */
};

static void
put(struct vmp_assembler *a, uint32_t opcode, int n, int t)
{
    vmp_assemble_u32(a, opcode | (uint32_t)n << 5 | (uint32_t)t);
}

static void
put_3(struct vmp_assembler *a, uint32_t opcode, int m, int n, int d)
{
    put(a, opcode | (uint32_t)m << 16, n, d);
}

/* LDR or STR of a member. */
static void
member(struct vmp_assembler *a, uint32_t opcode, int t, int n, size_t offset)
{
    put(a, opcode | (uint32_t)(offset / 8) << 10, n, t);
}

/* At least one instruction, and none for parts that are 0. */
static void
constant(struct vmp_assembler *a, int d, uint64_t value)
{
    uint32_t opcode = MOVZ;

    for (unsigned part = 0; part < 4; part++) {
        const uint32_t bits = (uint32_t)(value >> 16 * part) & 0xffff;

        if (!bits && (value || part))
            continue;
        vmp_assemble_u32(a, opcode | part << 21 | bits << 5 | (uint32_t)d);
        opcode = MOVK;
    }
}

/* Jumps forward, whose distance is in bits 5 and up. */
static size_t
jump(struct vmp_assembler *a, uint32_t opcode, int t)
{
    put(a, opcode, 0, t);
    return a->used - 4;
}

static void
land(struct vmp_assembler *a, size_t jump)
{
    struct vmp_assembler there = { a->code, a->size, jump };
    const uint32_t distance = (uint32_t)(a->used - jump) / 4;
    uint32_t opcode = 0;

    if (!vmp_assembler_fits(a))
        return;
    for (unsigned i = 0; i < 4; i++)
        opcode |= (uint32_t)a->code[jump + i] << 8 * i;
    vmp_assemble_u32(&there, opcode | distance << 5);
}

static void
save_registers(struct vmp_assembler *a, struct frame *frame)
{
    const int *const t = frame->temporary + frame->count - frame->saved;
    unsigned i = 0;

    for (; i + 2 <= frame->saved; i += 2)
        put(a, STP_PUSH | (uint32_t)t[i + 1] << 10, SP, t[i]);
    if (i < frame->saved)
        put(a, STR_PUSH, SP, t[i]);
    frame->depth = (int32_t)((frame->saved + 1) / 2 * SLOT);
}

static void
restore_registers(struct vmp_assembler *a, struct frame *frame)
{
    const int *const t = frame->temporary + frame->count - frame->saved;
    unsigned i = frame->saved;

    if (i % 2)
        put(a, LDR_POP, SP, t[--i]);
    for (; i; i -= 2)
        put(a, LDP_POP | (uint32_t)t[i - 1] << 10, SP, t[i - 2]);
    frame->depth = 0;
}

static void
load(struct vmp_assembler *a, int t, int base, int32_t displacement)
{
    if (displacement >= 0 && displacement % 8 == 0 && displacement < 8 << 12) {
        member(a, LDR, t, base, (size_t)displacement);
    } else if (displacement >= -256 && displacement < 256) {
        put(a, LDUR | ((uint32_t)displacement & 0x1ff) << 12, base, t);
    } else {
        constant(a, t, (uint64_t)(int64_t)displacement);
        put_3(a, LDR_REGISTER, t, base, t);
    }
}

/* The register that holds the address of the thread's record, which may be put
 * into `to`. */
static int
load_record(struct vmp_assembler *a, const struct vmprof_emit *emit,
            const struct frame *frame, int to)
{
    const int base = (int)emit->base_register;

    switch (emit->base) {
    case VMPROF_BASE_REGISTER:
        return base;
    case VMPROF_BASE_MEMORY:
        load(a, to, base, emit->displacement + (base == SP ? frame->depth : 0));
        break;
    case VMPROF_BASE_ADDRESS:
        constant(a, to, emit->address);
        break;
    case VMPROF_BASE_CELL:
        constant(a, to, emit->address);
        member(a, LDR, to, to, 0);
        break;
    }
    return to;
}

static void
store_current(struct vmp_assembler *a, const struct vmprof_emit *emit, int base,
              int t)
{
    const uint32_t current = vmp_current_after(emit);

    if (current)
        constant(a, t, current);
    member(a, STR, current ? t : SP, base, VMP_AT_TRACE);
}

static void
count(struct vmp_assembler *a, const struct vmprof_emit *emit, const int *t)
{
    uint32_t back;
    size_t again;

    constant(a, t[0], (uint64_t)(uintptr_t)emit->counter);
    if (!emit->is_shared) {
        member(a, LDR, t[1], t[0], 0);
        put(a, ADD_CONSTANT | 1 << 10, t[1], t[1]);
        member(a, STR, t[1], t[0], 0);
        return;
    }
    again = a->used;
    put(a, LDXR, t[0], t[1]);
    put(a, ADD_CONSTANT | 1 << 10, t[1], t[1]);
    put_3(a, STXR, t[2], t[0], t[1]);
    back = (uint32_t)(a->used - again) / 4;
    put(a, CBNZ_32 | (-back & 0x7ffff) << 5, 0, t[2]);
}

/* Call the function for events that have no room. */
static void
call_full(struct vmp_assembler *a, const struct vmprof_emit *emit, int ring,
          int t)
{
    if (emit->keep_flags)
        put(a, MRS_FLAGS, 0, t);
    put(a, STP_PUSH | X30 << 10, SP, X0);
    if (ring != X0)
        put_3(a, ORR, ring, SP, X0);
    member(a, LDR, X30, X0, VMP_AT_FULL);
    put(a, BLR, X30, 0);
    put(a, LDP_POP | X30 << 10, SP, X0);
    if (emit->keep_flags)
        put(a, MSR_FLAGS, 0, t);
}

static void
append(struct vmp_assembler *a, const struct vmprof_emit *emit, const int *t)
{
    const int ring = t[0], index = t[1], time = t[2], slot = t[3],
              records = t[4];
    size_t has_room, is_lost;

    member(a, LDR, index, ring, VMP_AT_INDEX);
    member(a, LDR, slot, ring, VMP_AT_LIMIT);
    put_3(a, SUB, slot, index, slot);
    has_room = jump(a, TBNZ_SIGN, slot);
    call_full(a, emit, ring, time);
    member(a, LDR, slot, ring, VMP_AT_LIMIT);
    put_3(a, SUB, slot, index, slot);
    is_lost = jump(a, TBZ_SIGN, slot);
    land(a, has_room);

    put(a, MRS_COUNTER, 0, time);
    constant(a, slot, vmp_record_word(emit));
    put_3(a, ORR | VMPROF_RECORD_TIME_SHIFT << 10, time, slot, time);
    member(a, LDR, slot, ring, VMP_AT_MASK);
    put_3(a, AND, slot, index, slot);
    member(a, LDR, records, ring, VMP_AT_RECORDS);
    put_3(a, STR_INDEXED, slot, records, time);
    put(a, ADD_CONSTANT | 1 << 10, index, index);
    put(a, STLR, ring, index); /* the index is its first member */
    land(a, is_lost);
}

static void
event(struct vmp_assembler *a, const struct vmprof_emit *emit, const int *t)
{
    size_t is_ignored = 0;

    if (emit->is_inner) {
        member(a, LDR, t[1], t[0], VMP_AT_INNER);
        is_ignored = jump(a, CBZ, t[1]);
    }
    append(a, emit, t);
    if (emit->is_inner)
        land(a, is_ignored);
}

/* How many registers an edge takes. */
static unsigned
count_temporaries(const struct vmprof_emit *emit)
{
    unsigned current = 0, counting = 0;

    if (emit->emits & VMPROF_EMIT_EVENT)
        return MOST_TEMPORARIES;
    if (emit->emits & VMPROF_EMIT_CURRENT)
        current = (emit->base == VMPROF_BASE_REGISTER ? 0u : 1u) +
                  (vmp_current_after(emit) ? 1u : 0u);
    if (emit->emits & VMPROF_EMIT_COUNT)
        counting = emit->is_shared ? 3 : 2;
    return current > counting ? current : counting;
}

static struct frame
plan(const struct vmprof_emit *emit)
{
    struct frame frame = { .count = count_temporaries(emit) };
    uint32_t scratch = emit->scratch, all = UINT32_MAX >> 1;
    uint32_t except = vmp_registers_read(emit);

    for (unsigned i = 0; i < frame.count; i++) {
        int reg = vmp_take_register(&scratch, except);

        if (reg < 0) {
            reg = vmp_take_register(&all, except);
            frame.saved++;
        }
        except |= (uint32_t)1 << reg;
        frame.temporary[i] = reg;
    }
    return frame;
}

static void
edge(struct vmp_assembler *a, const struct vmprof_emit *emit)
{
    const bool has_event = emit->emits & VMPROF_EMIT_EVENT;
    struct frame frame = plan(emit);
    const int *const t = frame.temporary;
    int base = SP;

    save_registers(a, &frame);
    if (emit->emits & (VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT))
        base = load_record(a, emit, &frame, t[0]);
    if (emit->emits & VMPROF_EMIT_CURRENT)
        store_current(a, emit, base, base == t[0] ? t[1] : t[0]);
    if (has_event)
        member(a, LDR, t[0], base, VMP_AT_RING);
    if (emit->emits & VMPROF_EMIT_COUNT)
        count(a, emit, has_event ? t + 1 : t);
    if (has_event)
        event(a, emit, t);
    restore_registers(a, &frame);
}

const struct vmp_emitter vmp_emitter_aarch64 = {
    .registers = UINT32_MAX >> 1,
    .base_registers = UINT32_MAX,
    .edge = edge,
};
