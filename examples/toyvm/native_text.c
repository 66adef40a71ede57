/* SPDX-License-Identifier: MIT */

/* Builtins that print and convert. */
#include "events.h"
#include "native.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* print(value, ...): one line, written whole also if threads print at once. */
bool
native_print(struct interp *interp, const struct value *arguments, size_t count,
             struct value *result)
{
    struct text text = { 0 };

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_add(&text, " ", 1);
        text_add_value(&text, arguments[i]);
    }
    text_add(&text, "\n", 1);
    fwrite(text.bytes, 1, text.length, stdout);
    if (events_want(interp, EVENT_PRINT))
        events_tell(interp, EVENT_PRINT, text.length, NULL);
    free(text.bytes);
    *result = value_nil();
    return true;
}

/* len(string, list or object) */
bool
native_len(struct interp *interp, const struct value *arguments, size_t count,
           struct value *result)
{
    (void)count;
    switch (arguments[0].type) {
    case VALUE_STRING:
        *result = value_int((int64_t)arguments[0].string->length);
        return true;
    case VALUE_LIST:
        *result = value_int((int64_t)arguments[0].list->count);
        return true;
    case VALUE_OBJECT:
        *result = value_int((int64_t)arguments[0].object->count);
        return true;
    default:
        return throw_error(interp, "a %s has no length",
                           value_type_name(arguments[0].type));
    }
}

/* str(value): as print() shows it */
bool
native_str(struct interp *interp, const struct value *arguments, size_t count,
           struct value *result)
{
    struct text text = { 0 };

    (void)count;
    text_add_value(&text, arguments[0]);
    *result = value_cell(
        VALUE_STRING, heap_new_string(&interp->heap, text.bytes, text.length));
    free(text.bytes);
    return true;
}

/* NaN and what is out of range fail the comparison. */
static bool
float_to_int(struct interp *interp, double number, struct value *result)
{
    if (!(number > -9.2e18 && number < 9.2e18))
        return throw_error(interp, "%g does not fit into an int", number);
    *result = value_int((int64_t)number);
    return true;
}

static bool
string_to_int(struct interp *interp, const struct string *string,
              struct value *result)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(string->bytes, &end, 10);
    if (string->length == 0 || *end != '\0' || errno == ERANGE)
        return throw_error(interp, "'%s' is not an int", string->bytes);
    *result = value_int(number);
    return true;
}

/* int(number or string), towards zero */
bool
native_int(struct interp *interp, const struct value *arguments, size_t count,
           struct value *result)
{
    (void)count;
    *result = arguments[0];
    switch (arguments[0].type) {
    case VALUE_INT:
        return true;
    case VALUE_FLOAT:
        return float_to_int(interp, arguments[0].number, result);
    case VALUE_STRING:
        return string_to_int(interp, arguments[0].string, result);
    default:
        return throw_error(interp, "cannot make an int of a %s",
                           value_type_name(arguments[0].type));
    }
}

/* float(number or string) */
bool
native_float(struct interp *interp, const struct value *arguments, size_t count,
             struct value *result)
{
    char *end;

    (void)count;
    if (value_is_number(arguments[0])) {
        *result = value_float(value_as_double(arguments[0]));
        return true;
    }
    if (arguments[0].type != VALUE_STRING)
        return throw_error(interp, "cannot make a float of a %s",
                           value_type_name(arguments[0].type));
    *result = value_float(strtod(arguments[0].string->bytes, &end));
    if (arguments[0].string->length == 0 || *end != '\0')
        return throw_error(interp, "'%s' is not a float",
                           arguments[0].string->bytes);
    return true;
}

/* type(value): "int", "list" and so on */
bool
native_type(struct interp *interp, const struct value *arguments, size_t count,
            struct value *result)
{
    const char *name = value_type_name(arguments[0].type);

    (void)count;
    *result = value_cell(VALUE_STRING,
                         heap_new_string(&interp->heap, name, strlen(name)));
    return true;
}
