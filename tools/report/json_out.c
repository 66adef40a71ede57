/* SPDX-License-Identifier: MIT */

#include "json_out.h"

#include <errno.h>
#include <string.h>

#include "../text/utf8.h"

/*
 * json-c has escaped quotes, backslashes and C0; what else is not ASCII can
 * only stand within a text, where \u is allowed.
 */
static unsigned
put_character(FILE *out, const char *text, size_t size)
{
    uint32_t c;
    const unsigned length = vmp_decode_utf8(text, size, &c);

    if (!length)
        fputs("\\ufffd", out);
    else if (c >= 0x7f && c < 0x10000 && is_unseen(c))
        fprintf(out, "\\u%04x", (unsigned)c);
    else if (c >= 0x10000 && is_unseen(c))
        fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((unsigned)c - 0x10000) / 1024,
                0xdc00 + (unsigned)c % 1024);
    else
        fwrite(text, 1, length, out);
    return length ? length : 1;
}

static void
put_value(struct json_out *json, struct json_object *value)
{
    const char *text = value ? json_object_to_json_string_ext(
                                   value, JSON_C_TO_STRING_SPACED |
                                              JSON_C_TO_STRING_NOSLASHESCAPE)
                             : NULL;
    size_t left = text ? strlen(text) : 0;

    json->failed |= text == NULL;
    while (left) {
        const unsigned read = put_character(json->out, text, left);
        text += read;
        left -= read;
    }
    json_object_put(value);
}

static void
put_comma(struct json_out *json)
{
    if (!json->first)
        fputs(",\n", json->out);
    json->first = false;
}

void
json_out_begin(struct json_out *json, FILE *out)
{
    *json = (struct json_out){ .out = out, .first = true };
    fputs("{\n", out);
}

void
json_out_member(struct json_out *json, const char *name,
                struct json_object *value)
{
    put_comma(json);
    fprintf(json->out, "\"%s\": ", name);
    put_value(json, value);
}

void
json_out_begin_array(struct json_out *json, const char *name)
{
    put_comma(json);
    fprintf(json->out, "\"%s\": [\n", name);
    json->first = true;
}

void
json_out_element(struct json_out *json, struct json_object *value)
{
    put_comma(json);
    put_value(json, value);
}

void
json_out_end_array(struct json_out *json)
{
    fputs("\n]", json->out);
    json->first = false;
}

void
json_out_line(struct json_out *json, struct json_object *value)
{
    put_value(json, value);
    putc('\n', json->out);
}

int
json_out_end(struct json_out *json)
{
    fputs("\n}\n", json->out);
    return json->failed ? -ENOMEM : 0;
}

void
json_number(struct json_object *object, const char *name, uint64_t value)
{
    json_object_object_add(object, name, json_object_new_uint64(value));
}

void
json_real(struct json_object *object, const char *name, double value)
{
    char digits[32];

    snprintf(digits, sizeof(digits), "%.4f", value);
    json_object_object_add(object, name,
                           json_object_new_double_s(value, digits));
}

void
json_text(struct json_object *object, const char *name, const char *value)
{
    json_object_object_add(object, name, json_object_new_string(value));
}

void
json_flag(struct json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}
