/* SPDX-License-Identifier: MIT */

#include "value.h"

#include "heap.h"

#include <string.h>

static bool
equal_strings(const struct string *a, const struct string *b)
{
    return a == b || (a->length == b->length &&
                      memcmp(a->bytes, b->bytes, a->length) == 0);
}

bool
value_equal(struct value a, struct value b)
{
    if (a.type != b.type)
        return value_is_number(a) && value_is_number(b) &&
               value_as_double(a) == value_as_double(b);
    switch (a.type) {
    case VALUE_NIL:
        return true;
    case VALUE_BOOL:
        return a.boolean == b.boolean;
    case VALUE_INT:
        return a.integer == b.integer;
    case VALUE_FLOAT:
        return a.number == b.number;
    case VALUE_FUNCTION:
        return a.function == b.function;
    case VALUE_NATIVE:
        return a.native == b.native;
    case VALUE_STRING:
        return equal_strings(a.string, b.string);
    default:
        return a.cell == b.cell;
    }
}

const char *
value_type_name(enum value_type type)
{
    static const char *const names[] = {
        [VALUE_NIL] = "nil",           [VALUE_BOOL] = "bool",
        [VALUE_INT] = "int",           [VALUE_FLOAT] = "float",
        [VALUE_FUNCTION] = "function", [VALUE_NATIVE] = "native",
        [VALUE_STRING] = "string",     [VALUE_LIST] = "list",
        [VALUE_OBJECT] = "object",     [VALUE_COROUTINE] = "coroutine",
        [VALUE_THREAD] = "thread",
    };

    return names[type];
}
