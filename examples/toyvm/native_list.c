/* SPDX-License-Identifier: MIT */

/* Builtins on lists and objects. */
#include "heap.h"
#include "interp.h"
#include "native.h"

#include <stdlib.h>
#include <string.h>

static bool
check_list(struct interp *interp, const char *name, struct value value)
{
    if (value.type == VALUE_LIST)
        return true;
    return throw_error(interp, "%s needs a list, this is a %s", name,
                       value_type_name(value.type));
}

/* push(list, value) */
bool
native_push(struct interp *interp, const struct value *arguments, size_t count,
            struct value *result)
{
    (void)count;
    if (!check_list(interp, "push", arguments[0]))
        return false;
    list_push(&interp->heap, arguments[0].list, arguments[1]);
    *result = value_nil();
    return true;
}

/* pop(list): its last value, which it loses */
bool
native_pop(struct interp *interp, const struct value *arguments, size_t count,
           struct value *result)
{
    struct list *list = arguments[0].list;

    (void)count;
    if (!check_list(interp, "pop", arguments[0]))
        return false;
    if (list->count == 0)
        return throw_error(interp, "pop of an empty list");
    *result = list->items[--list->count];
    return true;
}

static int
compare_strings(const struct string *a, const struct string *b)
{
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->bytes, b->bytes, shorter);

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Of two strings or of two numbers. */
static int
compare(const void *left, const void *right)
{
    const struct value *a = left, *b = right;
    double x, y;

    if (a->type == VALUE_STRING)
        return compare_strings(a->string, b->string);
    if (a->type == VALUE_INT && b->type == VALUE_INT)
        return (a->integer > b->integer) - (a->integer < b->integer);
    x = value_as_double(*a);
    y = value_as_double(*b);
    return (x > y) - (x < y);
}

static bool
is_sortable(const struct list *list)
{
    bool numbers = true, strings = true;

    for (size_t i = 0; i < list->count; i++) {
        numbers = numbers && value_is_number(list->items[i]);
        strings = strings && list->items[i].type == VALUE_STRING;
    }
    return numbers || strings;
}

/* sort(list): in place, all numbers or all strings */
bool
native_sort(struct interp *interp, const struct value *arguments, size_t count,
            struct value *result)
{
    struct list *list = arguments[0].list;

    (void)count;
    if (!check_list(interp, "sort", arguments[0]))
        return false;
    if (!is_sortable(list))
        return throw_error(interp, "sort needs all numbers or all strings");
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare);
    *result = arguments[0];
    return true;
}

/* keys(object): the names of its attributes */
bool
native_keys(struct interp *interp, const struct value *arguments, size_t count,
            struct value *result)
{
    struct list *list;

    (void)count;
    if (arguments[0].type != VALUE_OBJECT)
        return throw_error(interp, "keys needs an object, this is a %s",
                           value_type_name(arguments[0].type));
    list = heap_new_list(&interp->heap);
    for (size_t i = 0; i < arguments[0].object->count; i++)
        list_push(
            &interp->heap, list,
            value_cell(VALUE_STRING, arguments[0].object->attributes[i].name));
    *result = value_cell(VALUE_LIST, list);
    return true;
}
