/* SPDX-License-Identifier: MIT */

/* Operations read a variable itself instead of its copy on the stack. The copy
 * stays: the interpreter wants it when a guard fails. */
#include "jit_trace.h"

#include <string.h>

struct copies {
    uint16_t of[FUNCTION_DEPTH_MAX + 1]; /* slot + 1; 0: of nothing */
};

static uint16_t
original(const struct copies *copies, uint16_t slot)
{
    return copies->of[slot] ? (uint16_t)(copies->of[slot] - 1) : slot;
}

static void
write_slot(struct copies *copies, uint16_t slot)
{
    for (size_t i = 0; i <= FUNCTION_DEPTH_MAX; i++) {
        if (copies->of[i] == slot + 1)
            copies->of[i] = 0;
    }
    copies->of[slot] = 0;
}

static bool
is_arithmetic(const struct jit_op *op)
{
    return op->operation >= JIT_INT_ADD && op->operation < JIT_NOT;
}

static bool
is_guard(const struct jit_op *op)
{
    return op->operation >= JIT_GUARD_TYPE && op->operation < JIT_GUARD_VALID;
}

static void
optimise(struct copies *copies, struct jit_op *op)
{
    uint16_t from;

    if (is_arithmetic(op) || is_guard(op) || op->operation == JIT_LOAD_ITEM) {
        op->a = original(copies, op->a);
        op->b = original(copies, op->b);
    }
    switch (op->operation) {
    case JIT_COPY:
        from = original(copies, op->a);
        write_slot(copies, op->to);
        op->a = from;
        copies->of[op->to] = from == op->to ? 0 : (uint16_t)(from + 1);
        break;
    case JIT_CONSTANT:
        write_slot(copies, op->to);
        break;
    case JIT_NOT:
        write_slot(copies, op->a);
        break;
    case JIT_LOAD_ITEM:
        write_slot(copies, op->to);
        break;
    default:
        if (is_arithmetic(op))
            write_slot(copies, op->to);
        else if (!is_guard(op) && op->operation != JIT_STORE_ITEM)
            memset(copies, 0, sizeof(*copies)); /* anything, in any frame */
    }
}

void
jit_optimise(struct jit_trace *trace)
{
    struct copies copies = { 0 };

    for (size_t i = 0; i < trace->op_count; i++)
        optimise(&copies, &trace->ops[i]);
}
