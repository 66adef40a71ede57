/* SPDX-License-Identifier: MIT */

/* Operations as text, as PyPy's logs have them. */
#include "heap.h"
#include "jit_trace.h"
#include "native.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
#define NAME(name) #name,
    JIT_OPERATIONS(NAME)
#undef NAME
};

uint32_t
jit_line(const struct jit_trace *trace, uint32_t place)
{
    const struct jit_place *at = &trace->places[place];

    return function_line(at->function, (uintptr_t)at->pc);
}

/* In small letters. */
static void
name(enum jit_operation operation, char buffer[32])
{
    size_t i = 0;

    for (const char *next = names[operation]; *next; next++)
        buffer[i++] = (char)tolower((unsigned char)*next);
    buffer[i] = 0;
}

static void
format_value(struct value value, char *buffer, size_t size)
{
    switch (value.type) {
    case VALUE_BOOL:
        snprintf(buffer, size, "%s", value.boolean ? "true" : "false");
        break;
    case VALUE_INT:
        snprintf(buffer, size, "%lld", (long long)value.integer);
        break;
    case VALUE_FLOAT:
        snprintf(buffer, size, "%.17g", value.number);
        break;
    case VALUE_STRING:
        snprintf(buffer, size, "\"%.40s\"", value.string->bytes);
        break;
    case VALUE_FUNCTION:
        snprintf(buffer, size, "%.40s", value.function->name);
        break;
    case VALUE_NATIVE:
        snprintf(buffer, size, "%.40s", value.native->name);
        break;
    default:
        snprintf(buffer, size, "%s", value_type_name(value.type));
    }
}

void
jit_format_op(const struct jit_op *op, char *buffer, size_t size)
{
    char operation[32], value[64];

    name(op->operation, operation);
    format_value(op->value, value, sizeof(value));
    switch (op->operation) {
    case JIT_CONSTANT:
        snprintf(buffer, size, "s%u = %s", op->to, value);
        break;
    case JIT_COPY:
        snprintf(buffer, size, "s%u = s%u", op->to, op->a);
        break;
    case JIT_GET_ATTRIBUTE:
        snprintf(buffer, size, "s%u = %s(s%u, %s)", op->to, operation, op->a,
                 value);
        break;
    case JIT_SET_ATTRIBUTE:
        snprintf(buffer, size, "%s(s%u, %s, s%u)", operation, op->a, value,
                 op->b);
        break;
    case JIT_GUARD_TYPE:
        snprintf(buffer, size, "%s(s%u, %s)", operation, op->a,
                 value_type_name(op->type));
        break;
    case JIT_GUARD_POINTER:
    case JIT_CALL_NATIVE:
    case JIT_PUSH:
        snprintf(buffer, size, "%s(s%u, %s)", operation, op->a,
                 op->type == VALUE_NATIVE
                     ? ((const struct native *)op->pointer)->name
                     : ((const struct function *)op->pointer)->name);
        break;
    case JIT_JUMP:
    case JIT_CALL_TRACE:
        snprintf(buffer, size, "%s(%s)", operation, op->target->name);
        break;
    case JIT_POLL:
    case JIT_LEAVE:
    case JIT_GUARD_VALID:
        snprintf(buffer, size, "%s()", operation);
        break;
    case JIT_LIST:
    case JIT_OBJECT:
        snprintf(buffer, size, "s%u = %s()", op->to, operation);
        break;
    case JIT_STORE_ITEM:
    case JIT_SET_INDEX:
        snprintf(buffer, size, "%s(s%u, s%u, s%u)", operation, op->a, op->b,
                 op->to);
        break;
    case JIT_NEGATE:
    case JIT_NOT:
    case JIT_RETURN:
    case JIT_FINISH:
    case JIT_GUARD_TRUE:
    case JIT_GUARD_FALSE:
    case JIT_GUARD_DIVISOR:
        snprintf(buffer, size, "%s(s%u)", operation, op->a);
        break;
    case JIT_GUARD_INDEX:
        snprintf(buffer, size, "%s(s%u, s%u)", operation, op->a, op->b);
        break;
    default:
        snprintf(buffer, size, "s%u = %s(s%u, s%u)", op->to, operation, op->a,
                 op->b);
    }
}
