/* SPDX-License-Identifier: MIT */

/* Operators on any two values, indexes and attributes. */
#include "interp.h"

#include <math.h>
#include <string.h>

static const char *const verbs[] = {
    [OP_ADD] = "add",
    [OP_SUBTRACT] = "subtract",
    [OP_MULTIPLY] = "multiply",
    [OP_DIVIDE] = "divide",
    [OP_REMAINDER] = "divide",
    [OP_LESS] = "compare",
    [OP_LESS_EQUAL] = "compare",
    [OP_GREATER] = "compare",
    [OP_GREATER_EQUAL] = "compare",
};

/* Integers wrap around, and division goes towards zero. */
static bool
operate_ints(struct interp *interp, enum opcode opcode, int64_t a, int64_t b,
             struct value *result)
{
    int64_t number = 0;

    *result = value_nil();
    switch (opcode) {
    case OP_ADD:
        (void)__builtin_add_overflow(a, b, &number);
        break;
    case OP_SUBTRACT:
        (void)__builtin_sub_overflow(a, b, &number);
        break;
    case OP_MULTIPLY:
        (void)__builtin_mul_overflow(a, b, &number);
        break;
    default:
        if (b == 0)
            return throw_error(interp, "division by zero");
        if (b == -1) /* INT64_MIN / -1 traps */
            (void)__builtin_sub_overflow((int64_t)0, a, &number);
        else
            number = a / b;
        if (opcode == OP_REMAINDER)
            number = b == -1 ? 0 : a % b;
    }
    *result = value_int(number);
    return true;
}

static struct value
operate_floats(enum opcode opcode, double a, double b)
{
    switch (opcode) {
    case OP_ADD:
        return value_float(a + b);
    case OP_SUBTRACT:
        return value_float(a - b);
    case OP_MULTIPLY:
        return value_float(a * b);
    case OP_DIVIDE:
        return value_float(a / b);
    case OP_REMAINDER:
        return value_float(fmod(a, b));
    case OP_LESS:
        return value_bool(a < b);
    case OP_LESS_EQUAL:
        return value_bool(a <= b);
    case OP_GREATER:
        return value_bool(a > b);
    default:
        return value_bool(a >= b);
    }
}

static struct value
join_strings(struct interp *interp, const struct string *a,
             const struct string *b)
{
    size_t length = a->length + b->length;
    struct string *joined =
        heap_new(&interp->heap, VALUE_STRING, sizeof(*joined) + length + 1);

    joined->length = length;
    memcpy(joined->bytes, a->bytes, a->length);
    memcpy(joined->bytes + a->length, b->bytes, b->length);
    return value_cell(VALUE_STRING, joined);
}

/* Below, above or at zero as a is before, behind or equal to b. */
static double
order_strings(const struct string *a, const struct string *b)
{
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->bytes, b->bytes, shorter);

    return order ? order : (double)a->length - (double)b->length;
}

bool
operate(struct interp *interp, enum opcode opcode, struct value a,
        struct value b, struct value *result)
{
    bool compares = opcode >= OP_LESS;

    if (a.type == VALUE_INT && b.type == VALUE_INT && !compares)
        return operate_ints(interp, opcode, a.integer, b.integer, result);
    if (value_is_number(a) && value_is_number(b))
        *result =
            operate_floats(opcode, value_as_double(a), value_as_double(b));
    else if (a.type == VALUE_STRING && b.type == VALUE_STRING && compares)
        *result = operate_floats(opcode, order_strings(a.string, b.string), 0);
    else if (a.type == VALUE_STRING && b.type == VALUE_STRING &&
             opcode == OP_ADD)
        *result = join_strings(interp, a.string, b.string);
    else
        return throw_error(interp, "cannot %s a %s and a %s", verbs[opcode],
                           value_type_name(a.type), value_type_name(b.type));
    return true;
}

static bool
check_index(struct interp *interp, struct value index, size_t count)
{
    if (index.type != VALUE_INT)
        return throw_error(interp, "an index must be an int, this is a %s",
                           value_type_name(index.type));
    if (index.integer < 0 || (uint64_t)index.integer >= count)
        return throw_error(interp, "index %lld is outside 0..%zu",
                           (long long)index.integer, count);
    return true;
}

bool
get_index(struct interp *interp, struct value list, struct value index,
          struct value *result)
{
    const struct string *string = list.string;

    if (list.type == VALUE_LIST) {
        if (!check_index(interp, index, list.list->count))
            return false;
        *result = list.list->items[index.integer];
        return true;
    }
    if (list.type != VALUE_STRING)
        return throw_error(interp, "a %s has no index",
                           value_type_name(list.type));
    if (!check_index(interp, index, string->length))
        return false;
    *result = value_cell(
        VALUE_STRING,
        heap_new_string(&interp->heap, string->bytes + index.integer, 1));
    return true;
}

bool
set_index(struct interp *interp, struct value list, struct value index,
          struct value value)
{
    if (list.type != VALUE_LIST)
        return throw_error(interp, "cannot set an index of a %s",
                           value_type_name(list.type));
    if (!check_index(interp, index, list.list->count))
        return false;
    list.list->items[index.integer] = value;
    return true;
}

bool
get_attribute(struct interp *interp, struct value object, struct value name,
              struct value *result)
{
    const struct value *found;

    if (object.type != VALUE_OBJECT)
        return throw_error(interp, "a %s has no attribute '%s'",
                           value_type_name(object.type), name.string->bytes);
    found = object_find(object.object, name.string);
    if (!found)
        return throw_error(interp, "this object has no attribute '%s'",
                           name.string->bytes);
    *result = *found;
    return true;
}

bool
set_attribute(struct interp *interp, struct value object, struct value name,
              struct value value)
{
    if (object.type != VALUE_OBJECT)
        return throw_error(interp, "cannot set attribute '%s' of a %s",
                           name.string->bytes, value_type_name(object.type));
    object_set(&interp->heap, object.object, name.string, value);
    return true;
}
