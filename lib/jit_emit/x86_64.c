/* SPDX-License-Identifier: MIT */

/*
 * Edges as code of x86-64. What a signal finds in between is what the functions
 * of jit.h would show; the red zone below the stack pointer is left alone.
 */

#include "assembler.h"

enum {
    RAX = 0,
    RDX = 2,
    RSP = 4,
    RDI = 7,
    ALL = 0xffff,

    RED_ZONE = 128,
    PUSH = 8,

    /* Opcodes with a ModRM byte, of 64-bit operands. */
    ADD_LOAD = 0x03,
    AND_LOAD = 0x23,
    CMP_LOAD = 0x3b,
    CMP_BYTE = 0x83, /* with /7 */
    STORE = 0x89,
    LOAD = 0x8b,
    LEA = 0x8d,
    STORE_CONSTANT = 0xc7, /* with /0 */
    INC = 0xff,            /* with /0 */
    CALL = 0xff,           /* with /2 */

    JAE = 0x73,
    JB = 0x72,
    JE = 0x74,
};

/* What an edge has of registers, and has done to the stack. */
struct frame {
    uint32_t scratch; /* those left that may be changed */
    uint32_t saved;   /* those pushed */
    int32_t depth;    /* bytes that the stack has grown */
    int base;         /* holds the thread's record; -1: none */
    int ring;         /* holds its ring */
    int other;        /* one more */
    bool has_flags;   /* pushed */
};

static void
byte(struct vmp_assembler *a, unsigned value)
{
    const unsigned char b = (unsigned char)value;

    vmp_assemble(a, &b, 1);
}

static void
u64(struct vmp_assembler *a, uint64_t value)
{
    vmp_assemble_u32(a, (uint32_t)value);
    vmp_assemble_u32(a, (uint32_t)(value >> 32));
}

/* An instruction of 64 bits with a register, or a further part of the opcode,
 * and memory at another plus a displacement. */
static void
memory(struct vmp_assembler *a, unsigned opcode, int reg, int base,
       int32_t displacement)
{
    const bool is_byte = displacement >= -128 && displacement < 128;

    byte(a, 0x48u | (unsigned)(reg >> 3) << 2 | (unsigned)(base >> 3));
    byte(a, opcode);
    byte(a, (is_byte ? 0x40u : 0x80u) | (unsigned)(reg & 7) << 3 |
                (unsigned)(base & 7));
    if ((base & 7) == RSP)
        byte(a, 0x24);
    if (is_byte)
        byte(a, (unsigned)displacement & 0xff);
    else
        vmp_assemble_u32(a, (uint32_t)displacement);
}

static void
constant(struct vmp_assembler *a, int reg, uint64_t value)
{
    if (value <= UINT32_MAX) {
        if (reg >> 3)
            byte(a, 0x41);
        byte(a, 0xb8u | (unsigned)(reg & 7));
        vmp_assemble_u32(a, (uint32_t)value);
        return;
    }
    byte(a, 0x48u | (unsigned)(reg >> 3));
    byte(a, 0xb8u | (unsigned)(reg & 7));
    u64(a, value);
}

static void
push_or_pop(struct vmp_assembler *a, unsigned opcode, int reg)
{
    if (reg >> 3)
        byte(a, 0x41);
    byte(a, opcode | (unsigned)(reg & 7));
}

static void
push(struct vmp_assembler *a, struct frame *frame, int reg)
{
    push_or_pop(a, 0x50, reg);
    frame->depth += PUSH;
}

static void
pop(struct vmp_assembler *a, struct frame *frame, int reg)
{
    push_or_pop(a, 0x58, reg);
    frame->depth -= PUSH;
}

static void
move(struct vmp_assembler *a, int to, int from)
{
    byte(a, 0x48u | (unsigned)(from >> 3) << 2 | (unsigned)(to >> 3));
    byte(a, STORE);
    byte(a, 0xc0u | (unsigned)(from & 7) << 3 | (unsigned)(to & 7));
}

static void
shift_left(struct vmp_assembler *a, int reg, unsigned count)
{
    byte(a, 0x48u | (unsigned)(reg >> 3));
    byte(a, 0xc1);
    byte(a, 0xe0u | (unsigned)(reg & 7));
    byte(a, count);
}

/* Keep below the red zone, or come back. No flag is changed. */
static void
pass_red_zone(struct vmp_assembler *a, struct frame *frame, bool down)
{
    memory(a, LEA, RSP, RSP, down ? -RED_ZONE : RED_ZONE);
    frame->depth += down ? RED_ZONE : -RED_ZONE;
}

/* Short jumps, forward. */
static size_t
jump(struct vmp_assembler *a, unsigned opcode)
{
    byte(a, opcode);
    byte(a, 0);
    return a->used;
}

static void
land(struct vmp_assembler *a, size_t jump)
{
    if (vmp_assembler_fits(a))
        a->code[jump - 1] = (unsigned char)(a->used - jump);
}

/* Make a register one that may be changed. */
static void
need(struct frame *frame, int reg)
{
    const uint32_t bit = (uint32_t)1 << reg;

    if (!(frame->scratch & bit))
        frame->saved |= bit;
    frame->scratch &= ~bit;
}

/* Any that is not one of `except`. */
static int
need_any(struct frame *frame, uint32_t except)
{
    int reg = vmp_take_register(&frame->scratch, except);

    if (reg < 0) {
        uint32_t others = ALL & ~except & ~frame->saved & ~(1u << RSP);

        reg = vmp_take_register(&others, 0);
        frame->saved |= (uint32_t)1 << reg;
    }
    return reg;
}

static void
save_registers(struct vmp_assembler *a, struct frame *frame)
{
    if (!frame->saved && !frame->has_flags)
        return;
    pass_red_zone(a, frame, true);
    for (int i = 0; i < 16; i++)
        if (frame->saved >> i & 1)
            push(a, frame, i);
}

static void
restore_registers(struct vmp_assembler *a, struct frame *frame)
{
    if (!frame->saved && !frame->has_flags)
        return;
    for (int i = 15; i >= 0; i--)
        if (frame->saved >> i & 1)
            pop(a, frame, i);
    pass_red_zone(a, frame, false);
}

/* lahf, seto al; which a processor does much faster than pushf and popf. */
static void
save_flags(struct vmp_assembler *a, struct frame *frame)
{
    static const unsigned char code[] = { 0x9f, 0x0f, 0x90, 0xc0 };

    if (!frame->has_flags)
        return;
    vmp_assemble(a, code, sizeof(code));
    push(a, frame, RAX);
}

/* add al, 127: it overflows if al is 1. sahf. */
static void
restore_flags(struct vmp_assembler *a, struct frame *frame)
{
    static const unsigned char code[] = { 0x04, 0x7f, 0x9e };

    if (!frame->has_flags)
        return;
    pop(a, frame, RAX);
    vmp_assemble(a, code, sizeof(code));
}

/* Put the address of the thread's record, or of its ring, into a register. */
static void
load_record(struct vmp_assembler *a, const struct vmprof_emit *emit,
            const struct frame *frame, int to)
{
    const int base = (int)emit->base_register;

    switch (emit->base) {
    case VMPROF_BASE_MEMORY:
        memory(a, LOAD, to, base,
               emit->displacement + (base == RSP ? frame->depth : 0));
        break;
    case VMPROF_BASE_ADDRESS:
        constant(a, to, emit->address);
        break;
    case VMPROF_BASE_CELL:
        constant(a, to, emit->address);
        memory(a, LOAD, to, to, 0);
        break;
    }
}

static void
store_current(struct vmp_assembler *a, const struct vmprof_emit *emit, int base)
{
    memory(a, STORE_CONSTANT, 0, base, VMP_AT_TRACE);
    vmp_assemble_u32(a, vmp_current_after(emit));
}

static void
count(struct vmp_assembler *a, const struct vmprof_emit *emit, int reg)
{
    constant(a, reg, (uint64_t)(uintptr_t)emit->counter);
    if (emit->is_shared)
        byte(a, 0xf0); /* lock */
    memory(a, INC, 0, reg, 0);
}

/* Call the function for events that have no room. */
static void
call_full(struct vmp_assembler *a, struct frame *frame)
{
    const bool is_above = frame->depth == 0;

    if (is_above)
        pass_red_zone(a, frame, true);
    if (frame->ring != RDI) {
        push(a, frame, RDI);
        move(a, RDI, frame->ring);
    }
    memory(a, CALL, 2, RDI, VMP_AT_FULL);
    if (frame->ring != RDI)
        pop(a, frame, RDI);
    if (is_above)
        pass_red_zone(a, frame, false);
}

/* rax = rax and rdx as one time, shifted, and the rest of the record. */
static void
make_record(struct vmp_assembler *a, const struct vmprof_emit *emit)
{
    static const unsigned char rdtsc[] = { 0x0f, 0x31 };
    static const unsigned char lea[] = { 0x48, 0x8d, 0x84, 0x10 };

    vmp_assemble(a, rdtsc, sizeof(rdtsc));
    shift_left(a, RDX, 32 + VMPROF_RECORD_TIME_SHIFT);
    shift_left(a, RAX, VMPROF_RECORD_TIME_SHIFT);
    vmp_assemble(a, lea, sizeof(lea)); /* rax = rax + rdx + word */
    vmp_assemble_u32(a, vmp_record_word(emit));
}

static void
append(struct vmp_assembler *a, const struct vmprof_emit *emit,
       struct frame *frame)
{
    const int ring = frame->ring, index = frame->other;
    size_t has_room, is_lost;

    memory(a, LOAD, index, ring, VMP_AT_INDEX);
    memory(a, CMP_LOAD, index, ring, VMP_AT_LIMIT);
    has_room = jump(a, JB);
    call_full(a, frame);
    memory(a, CMP_LOAD, index, ring, VMP_AT_LIMIT);
    is_lost = jump(a, JAE);
    land(a, has_room);

    make_record(a, emit);
    memory(a, LOAD, RDX, ring, VMP_AT_MASK);
    byte(a, 0x48u | (unsigned)(index >> 3) << 2); /* and rdx, index */
    byte(a, 0x21);
    byte(a, 0xc0u | (unsigned)(index & 7) << 3 | RDX);
    shift_left(a, RDX, 3);
    memory(a, ADD_LOAD, RDX, ring, VMP_AT_RECORDS);
    memory(a, STORE, RAX, RDX, 0);
    memory(a, LEA, index, index, 1);
    memory(a, STORE, index, ring, VMP_AT_INDEX);
    land(a, is_lost);
}

static void
event(struct vmp_assembler *a, const struct vmprof_emit *emit,
      struct frame *frame)
{
    size_t is_ignored = 0;

    if (emit->is_inner) {
        memory(a, CMP_BYTE, 7, frame->ring, VMP_AT_INNER);
        byte(a, 0);
        is_ignored = jump(a, JE);
    }
    append(a, emit, frame);
    if (emit->is_inner)
        land(a, is_ignored);
}

/* Which registers an edge takes. */
static struct frame
plan(const struct vmprof_emit *emit)
{
    const bool has_event = emit->emits & VMPROF_EMIT_EVENT;
    const bool has_count = emit->emits & VMPROF_EMIT_COUNT;
    const bool has_base = emit->base == VMPROF_BASE_REGISTER;
    struct frame frame = { emit->scratch, 0, 0, -1, -1, -1, false };
    uint32_t except = 1u << RSP | vmp_registers_read(emit);

    frame.has_flags = emit->keep_flags && (has_event || has_count);
    if (has_event || frame.has_flags)
        need(&frame, RAX);
    if (has_event) {
        need(&frame, RDX);
        except |= 1u << RAX | 1u << RDX;
    } else if (frame.has_flags) {
        except |= 1u << RAX;
    }
    if (has_base)
        frame.base = (int)emit->base_register;
    if (has_event)
        frame.ring = need_any(&frame, except);
    if (frame.ring >= 0)
        except |= 1u << frame.ring;
    if (has_event || has_count)
        frame.other = need_any(&frame, except);
    if (!has_base)
        frame.base = has_event   ? frame.ring
                     : has_count ? frame.other
                                 : need_any(&frame, except);
    return frame;
}

static void
edge(struct vmp_assembler *a, const struct vmprof_emit *emit)
{
    const bool needs_record =
        emit->emits & (VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT);
    struct frame frame = plan(emit);

    save_registers(a, &frame);
    if (needs_record)
        load_record(a, emit, &frame, frame.base);
    if (emit->emits & VMPROF_EMIT_CURRENT)
        store_current(a, emit, frame.base);
    if (emit->emits & VMPROF_EMIT_EVENT)
        memory(a, LOAD, frame.ring, frame.base, VMP_AT_RING);
    save_flags(a, &frame);
    if (emit->emits & VMPROF_EMIT_COUNT)
        count(a, emit, frame.other);
    if (emit->emits & VMPROF_EMIT_EVENT)
        event(a, emit, &frame);
    restore_flags(a, &frame);
    restore_registers(a, &frame);
}

const struct vmp_emitter vmp_emitter_x86_64 = {
    .registers = ALL & ~(1u << RSP),
    .base_registers = ALL,
    .edge = edge,
};
