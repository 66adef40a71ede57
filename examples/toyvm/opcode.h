/* SPDX-License-Identifier: MIT */

/*
 * The bytecode: words of 32 bits, the opcode in the low 8, a signed operand in
 * the others. Every instruction is one word, so that a pc says all.
 */
#ifndef TOY_OPCODE_H
#define TOY_OPCODE_H

#include <stdint.h>

#define TYPES_OF_CALL 255 /* of the function and of what it is given */

/* Name, by how much the instruction changes the height of the stack, and how
 * many of the topmost values have types that a profile should tell. */
#define OPCODES(X)                                                             \
    X(CONSTANT, 1, 0) /* push constant [operand] */                            \
    X(NIL, 1, 0)                                                               \
    X(TRUE, 1, 0)                                                              \
    X(FALSE, 1, 0)                                                             \
    X(INT, 1, 0) /* push the operand */                                        \
    X(POP, -1, 0)                                                              \
    X(GET_LOCAL, 1, 0)                                                         \
    X(SET_LOCAL, -1, 0)                                                        \
    X(ADD, -1, 2)                                                              \
    X(SUBTRACT, -1, 2)                                                         \
    X(MULTIPLY, -1, 2)                                                         \
    X(DIVIDE, -1, 2)                                                           \
    X(REMAINDER, -1, 2)                                                        \
    X(NEGATE, 0, 1)                                                            \
    X(NOT, 0, 1)                                                               \
    X(EQUAL, -1, 2)                                                            \
    X(UNEQUAL, -1, 2)                                                          \
    X(LESS, -1, 2)                                                             \
    X(LESS_EQUAL, -1, 2)                                                       \
    X(GREATER, -1, 2)                                                          \
    X(GREATER_EQUAL, -1, 2)                                                    \
    X(JUMP, 0, 0) /* by operand, from the next instruction */                  \
    X(LOOP, 0, 0) /* the same, backwards */                                    \
    X(JUMP_IF_FALSE, -1, 0)                                                    \
    X(AND, -1, 0) /* jump and keep a false value, else drop it */              \
    X(OR, -1, 0)  /* jump and keep a true value, else drop it */               \
    X(LIST, 1, 0) /* of the topmost [operand] values */                        \
    X(OBJECT, 1, 0)                                                            \
    X(INIT_ATTRIBUTE, -1, 2) /* object, value: keep the object */              \
    X(GET_ATTRIBUTE, 0, 1)   /* named by constant [operand] */                 \
    X(SET_ATTRIBUTE, -2, 2)                                                    \
    X(GET_INDEX, -1, 2)                                                        \
    X(SET_INDEX, -3, 3)                                                        \
    X(CALL, 0,                                                                 \
      TYPES_OF_CALL) /* with [operand] arguments above the function */         \
    X(RETURN, -1, 0)                                                           \
    X(THROW, -1, 0)  /* operand 1: what a catch has caught, again */           \
    X(RESUME, -1, 0) /* coroutine, value; operand 1: throw it there */         \
    X(YIELD, 0, 0)

enum opcode {
#define OPCODE(name, effect, types) OP_##name,
    OPCODES(OPCODE)
#undef OPCODE
    OPCODE_COUNT,
};

#define OPERAND_MAX ((1 << 23) - 1)

/* A bit of the opcode, set in instructions that have an event to tell: see
 * events.h. Any thread may set it while others run the code. */
#define OPCODE_TOLD 0x80u

static inline uint32_t
word_at(const uint32_t *pc)
{
    return __atomic_load_n(pc, __ATOMIC_RELAXED);
}

static inline enum opcode
opcode_of(uint32_t word)
{
    return (enum opcode)(word & 0x7f);
}

static inline uint32_t
instruction(enum opcode opcode, int32_t operand)
{
    return (uint32_t)operand << 8 | (uint32_t)opcode;
}

static inline int32_t
operand_of(uint32_t word)
{
    return (int32_t)word >> 8;
}

#endif
