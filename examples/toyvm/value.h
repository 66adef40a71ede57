/* SPDX-License-Identifier: MIT */

/* Values: what a variable of the language holds. */
#ifndef TOY_VALUE_H
#define TOY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From VALUE_STRING on, a value is a cell of some heap. */
enum value_type {
    VALUE_NIL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_FUNCTION,
    VALUE_NATIVE,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_OBJECT,
    VALUE_COROUTINE,
    VALUE_THREAD,
    VALUE_TYPE_COUNT,
};

struct value {
    enum value_type type;
    union {
        bool boolean;
        int64_t integer;
        double number;
        const struct function *function;
        const struct native *native;
        struct cell *cell;
        struct string *string;
        struct list *list;
        struct object *object;
        struct coroutine *coroutine;
        struct thread *thread;
    };
};

static inline struct value
value_nil(void)
{
    return (struct value){ .type = VALUE_NIL, .integer = 0 };
}

static inline struct value
value_bool(bool boolean)
{
    return (struct value){ .type = VALUE_BOOL, .boolean = boolean };
}

static inline struct value
value_int(int64_t integer)
{
    return (struct value){ .type = VALUE_INT, .integer = integer };
}

static inline struct value
value_float(double number)
{
    return (struct value){ .type = VALUE_FLOAT, .number = number };
}

/* A string, list, object, coroutine or thread. */
static inline struct value
value_cell(enum value_type type, void *cell)
{
    return (struct value){ .type = type, .cell = (struct cell *)cell };
}

static inline bool
value_is_cell(struct value value)
{
    return value.type >= VALUE_STRING;
}

static inline bool
value_is_number(struct value value)
{
    return value.type == VALUE_INT || value.type == VALUE_FLOAT;
}

/* Of a number only. */
static inline double
value_as_double(struct value value)
{
    return value.type == VALUE_INT ? (double)value.integer : value.number;
}

/* Everything is true but nil and false. */
static inline bool
value_is_true(struct value value)
{
    return value.type == VALUE_BOOL ? value.boolean : value.type != VALUE_NIL;
}

/* Numbers and strings by what they say, all else by identity. */
bool
value_equal(struct value a, struct value b);

/* The name of a type, as type() returns it. */
const char *
value_type_name(enum value_type type);

#endif
