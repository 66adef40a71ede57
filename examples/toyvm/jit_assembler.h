/* SPDX-License-Identifier: MIT */

/* Instructions of x86-64 as bytes, as far as jit_x86_64.c needs them. */
#ifndef TOY_JIT_ASSEMBLER_H
#define TOY_JIT_ASSEMBLER_H

#include <stdint.h>
#include <string.h>

struct assembler {
    uint8_t *start;
    uint8_t *next;
};

enum {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R12 = 12,
    R13 = 13
};

/* Conditions of a jump. */
enum {
    BELOW = 0x2,
    ABOVE_EQUAL = 0x3,
    EQUAL = 0x4,
    UNEQUAL = 0x5,
    BELOW_EQUAL = 0x6,
    LESS_EQUAL = 0xe
};

static inline void
put(struct assembler *assembler, const void *bytes, size_t size)
{
    memcpy(assembler->next, bytes, size);
    assembler->next += size;
}

#define BYTES(assembler, ...)                                                  \
    put(assembler, (const uint8_t[]){ __VA_ARGS__ },                           \
        sizeof((const uint8_t[]){ __VA_ARGS__ }))

static inline void
put_32(struct assembler *assembler, int32_t number)
{
    put(assembler, &number, sizeof(number));
}

/* The rest of an instruction between a register and [base + offset]. */
static inline void
put_memory(struct assembler *assembler, int reg, int base, size_t offset)
{
    BYTES(assembler, (uint8_t)(0x80 | (reg & 7) << 3 | (base & 7)));
    if ((base & 7) == RSP)
        BYTES(assembler, 0x24);
    put_32(assembler, (int32_t)offset);
}

static inline void
load(struct assembler *assembler, int reg, int base, size_t offset)
{
    BYTES(assembler, (uint8_t)(base >= 8 ? 0x49 : 0x48), 0x8b);
    put_memory(assembler, reg, base, offset);
}

static inline void
store(struct assembler *assembler, int reg, int base, size_t offset)
{
    BYTES(assembler, (uint8_t)(base >= 8 ? 0x49 : 0x48), 0x89);
    put_memory(assembler, reg, base, offset);
}

/* A register becomes base + offset. */
static inline void
load_address(struct assembler *assembler, int reg, int base, size_t offset)
{
    BYTES(assembler, 0x48, 0x8d);
    put_memory(assembler, reg, base, offset);
}

/* A register of the low eight becomes a number. */
static inline void
load_number(struct assembler *assembler, int reg, uint64_t number)
{
    BYTES(assembler, 0x48, (uint8_t)(0xb8 + reg));
    put(assembler, &number, sizeof(number));
}

static inline void
load_pointer(struct assembler *assembler, int reg, const void *pointer)
{
    load_number(assembler, reg, (uintptr_t)pointer);
}

static inline void
move(struct assembler *assembler, int to, int from)
{
    BYTES(assembler, (uint8_t)(0x48 | (from >= 8 ? 4 : 0)), 0x89,
          (uint8_t)(0xc0 | (from & 7) << 3 | to));
}

static inline void
test(struct assembler *assembler, int reg)
{
    BYTES(assembler, 0x48, 0x85, (uint8_t)(0xc0 | reg << 3 | reg));
}

/* Returns where the distance stands, for land(). */
static inline uint8_t *
jump_if(struct assembler *assembler, int condition)
{
    BYTES(assembler, 0x0f, (uint8_t)(0x80 | condition));
    put_32(assembler, 0);
    return assembler->next - 4;
}

static inline uint8_t *
jump(struct assembler *assembler)
{
    BYTES(assembler, 0xe9);
    put_32(assembler, 0);
    return assembler->next - 4;
}

/* A jump goes there. */
static inline void
land(uint8_t *distance, const uint8_t *target)
{
    int32_t number = (int32_t)(target - (distance + 4));

    memcpy(distance, &number, sizeof(number));
}

static inline void
jump_far(struct assembler *assembler, const void *target)
{
    load_pointer(assembler, RAX, target);
    BYTES(assembler, 0xff, 0xe0); /* jmp rax */
}

static inline void
call(struct assembler *assembler, uintptr_t function)
{
    load_number(assembler, RAX, function);
    BYTES(assembler, 0xff, 0xd0); /* call rax */
}

#endif
