/* SPDX-License-Identifier: MIT */

#include "text.h"

#include "heap.h"
#include "memory.h"
#include "native.h"
#include "program.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A list can hold itself, so nesting is cut here. */
#define DEPTH_MAX 6

void
text_add(struct text *text, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        text->bytes = make_room(text->bytes, text->length, &text->capacity, 1);
        text->bytes[text->length++] = bytes[i];
    }
}

void
text_format(struct text *text, const char *format, ...)
{
    char buffer[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof(buffer))
        length = (int)sizeof(buffer) - 1;
    if (length > 0)
        text_add(text, buffer, (size_t)length);
}

/* Always looks like a float: 2.0, not 2. */
static void
add_float(struct text *text, double number)
{
    char buffer[64];

    snprintf(buffer, sizeof(buffer), "%.15g", number);
    text_add(text, buffer, strlen(buffer));
    if (isfinite(number) && !strpbrk(buffer, ".e"))
        text_add(text, ".0", 2);
}

static void
add_nested(struct text *text, struct value value, int depth);

static void
add_list(struct text *text, const struct list *list, int depth)
{
    text_add(text, "[", 1);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            text_add(text, ", ", 2);
        add_nested(text, list->items[i], depth + 1);
    }
    text_add(text, "]", 1);
}

static void
add_object(struct text *text, const struct object *object, int depth)
{
    text_add(text, "{", 1);
    for (size_t i = 0; i < object->count; i++) {
        const struct attribute *attribute = &object->attributes[i];

        if (i > 0)
            text_add(text, ", ", 2);
        text_add(text, attribute->name->bytes, attribute->name->length);
        text_add(text, ": ", 2);
        add_nested(text, attribute->value, depth + 1);
    }
    text_add(text, "}", 1);
}

static void
add_nested(struct text *text, struct value value, int depth)
{
    if (depth > DEPTH_MAX) {
        text_add(text, "...", 3);
    } else if (value.type == VALUE_STRING && depth > 0) {
        text_add(text, "\"", 1);
        text_add(text, value.string->bytes, value.string->length);
        text_add(text, "\"", 1);
    } else if (value.type == VALUE_LIST) {
        add_list(text, value.list, depth);
    } else if (value.type == VALUE_OBJECT) {
        add_object(text, value.object, depth);
    } else {
        text_add_value(text, value);
    }
}

void
text_add_value(struct text *text, struct value value)
{
    switch (value.type) {
    case VALUE_NIL:
        text_add(text, "nil", 3);
        break;
    case VALUE_BOOL:
        text_format(text, "%s", value.boolean ? "true" : "false");
        break;
    case VALUE_INT:
        text_format(text, "%" PRId64, value.integer);
        break;
    case VALUE_FLOAT:
        add_float(text, value.number);
        break;
    case VALUE_FUNCTION:
        text_format(text, "<fn %s>", value.function->name);
        break;
    case VALUE_NATIVE:
        text_format(text, "<native %s>", value.native->name);
        break;
    case VALUE_STRING:
        text_add(text, value.string->bytes, value.string->length);
        break;
    case VALUE_LIST:
    case VALUE_OBJECT:
        add_nested(text, value, 0);
        break;
    case VALUE_COROUTINE:
    case VALUE_THREAD:
        text_format(text, "<%s>", value_type_name(value.type));
        break;
    case VALUE_TYPE_COUNT:
        break;
    }
}
