/* SPDX-License-Identifier: MIT */

#include "type_rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

enum {
    REPLACEMENT = 0xfffd,
};

static void
flush(struct vmp_rows *rows)
{
    if (rows->used && !rows->error)
        rows->error = rows->write(rows->user, rows->buffer, rows->used);
    rows->used = 0;
}

static void
put(struct vmp_rows *rows, const char *bytes, size_t size)
{
    while (size) {
        size_t part = sizeof(rows->buffer) - rows->used;

        if (part > size)
            part = size;
        memcpy(rows->buffer + rows->used, bytes, part);
        rows->used += part;
        bytes += part;
        size -= part;
        if (rows->used == sizeof(rows->buffer))
            flush(rows);
    }
}

static void __attribute__((format(printf, 2, 3)))
put_format(struct vmp_rows *rows, const char *format, ...)
{
    char text[96];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size > 0)
        put(rows, text, (size_t)size);
}

/* Only ASCII, so that a row is one line whatever a name has, and acts on no
 * terminal. */
static void
put_character(struct vmp_rows *rows, uint32_t c)
{
    if (c == '"' || c == '\\')
        put_format(rows, "\\%c", (int)c);
    else if (c >= 0x20 && c < 0x7f)
        put_format(rows, "%c", (int)c);
    else if (c < 0x10000)
        put_format(rows, "\\u%04x", (unsigned)c);
    else
        put_format(rows, "\\u%04x\\u%04x",
                   0xd800 + ((unsigned)c - 0x10000) / 1024,
                   0xdc00 + (unsigned)c % 1024);
}

static void
put_text(struct vmp_rows *rows, const char *text)
{
    size_t left = strlen(text);

    put(rows, "\"", 1);
    while (left) {
        uint32_t c;
        const unsigned length = vmp_decode_utf8(text, left, &c);

        put_character(rows, length ? c : REPLACEMENT);
        text += length ? length : 1;
        left -= length ? length : 1;
    }
    put(rows, "\"", 1);
}

/* `between` is the comma before all but the first member of an object. */
static void
put_text_member(struct vmp_rows *rows, const char **between, const char *name,
                const char *text)
{
    if (!text || !*text)
        return;
    put_format(rows, "%s\"%s\":", *between, name);
    put_text(rows, text);
    *between = ",";
}

static void
put_number_member(struct vmp_rows *rows, const char *name, uint64_t number)
{
    put_format(rows, ",\"%s\":%" PRIu64, name, number);
}

/* The same for hits with types, at a site, and those without. */
static void
put_normal(struct vmp_rows *rows, const struct vmp_rows_site *site)
{
    const char *between = "", *opcode = site ? site->opcode_name : NULL;
    char number[16];

    if (site && (!opcode || !*opcode)) {
        snprintf(number, sizeof(number), "<%" PRIu32 ">", site->opcode);
        opcode = number;
    }
    put_format(rows, "{\"normal\":{");
    put_text_member(rows, &between, "func_qualname", rows->code.function);
    put_text_member(rows, &between, "filename", rows->code.file);
    put_text_member(rows, &between, "opname", opcode);
    put_text_member(rows, &between, "host", rows->origin.host);
    put_text_member(rows, &between, "service", rows->origin.service);
    put_text_member(rows, &between, "version", rows->origin.version);
}

static void
put_numbers(struct vmp_rows *rows, const struct vmp_rows_site *site,
            uint64_t hits, uint64_t bytecodes)
{
    put_format(rows, "},\"int\":{\"count\":%" PRIu64, hits);
    put_number_member(rows, "bytecodes", bytecodes);
    if (rows->code.hash)
        put_number_member(rows, "code_hash", rows->code.hash);
    if (rows->code.line)
        put_number_member(rows, "firstlineno", rows->code.line);
    if (site && site->line)
        put_number_member(rows, "lineno", site->line);
    if (site)
        put_number_member(rows, "bc_offset", site->offset);
}

static void
put_tuple(struct vmp_rows *rows, const struct vmp_rows_site *site,
          const struct vmp_rows_tuple *tuple, uint64_t bytecodes)
{
    put_normal(rows, site);
    put_numbers(rows, site, tuple->hits, bytecodes);
    put_format(rows, "},\"normvector\":{\"types\":[");
    for (uint32_t i = 0; i < tuple->count; i++) {
        if (i)
            put(rows, ",", 1);
        put_text(rows, tuple->types[i]);
    }
    put_format(rows, "]}}\n");
}

static void
finish_code(struct vmp_rows *rows)
{
    if (rows->untyped) {
        put_normal(rows, NULL);
        put_numbers(rows, NULL, rows->untyped, rows->untyped_bytecodes);
        put_format(rows, "}}\n");
    }
    rows->untyped = rows->untyped_bytecodes = 0;
}

void
vmp_rows_begin(struct vmp_rows *rows, const struct vmp_rows_origin *origin,
               vmp_rows_write_function write, void *user)
{
    rows->write = write;
    rows->user = user;
    rows->origin = *origin;
    rows->code = (struct vmp_rows_code){ 0 };
    rows->untyped = rows->untyped_bytecodes = 0;
    rows->error = 0;
    rows->used = 0;
}

void
vmp_rows_code(struct vmp_rows *rows, const struct vmp_rows_code *code)
{
    finish_code(rows);
    rows->code = *code;
}

/* Twice a number below `modulus`, or the sum of two, without overflow. Returns
 * whether the modulus was taken off. */
static bool
add_modulo(uint64_t *to, uint64_t number, uint64_t modulus)
{
    if (*to < modulus - number) {
        *to += number;
        return false;
    }
    *to -= modulus - number;
    return true;
}

/* a * b / c with a < c and b <= c, a bit of b at a time: not
 * every machine has a type for the product. */
static uint64_t
scale(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t result = 0, rest = 0;

    for (int bit = 63; bit >= 0; bit--) {
        result = result << 1 | add_modulo(&rest, rest, c);
        if (b >> bit & 1)
            result += add_modulo(&rest, a, c);
    }
    return result;
}

uint64_t
vmp_scale_hits(uint64_t bytecodes, uint64_t part, uint64_t hits)
{
    if (!hits)
        return 0;
    return bytecodes / hits * part + scale(bytecodes % hits, part, hits);
}

void
vmp_rows_site(struct vmp_rows *rows, const struct vmp_rows_site *site)
{
    static const char *const other_name = "<other>";
    const struct vmp_rows_tuple other = { site->other, &other_name, 1 };
    uint64_t hits = site->other + site->untyped, rest = site->bytecodes;

    for (uint32_t i = 0; i < site->tuple_count; i++)
        hits += site->tuples[i].hits;
    for (uint32_t i = 0; i <= site->tuple_count; i++) {
        const struct vmp_rows_tuple *tuple =
            i < site->tuple_count ? &site->tuples[i] : &other;
        uint64_t scaled = vmp_scale_hits(site->bytecodes, tuple->hits, hits);

        if (scaled > rest)
            scaled = rest;
        if (tuple->hits)
            put_tuple(rows, site, tuple, scaled);
        rest -= scaled;
    }
    vmp_rows_unplaced(rows, site->untyped, site->untyped ? rest : 0);
}

void
vmp_rows_unplaced(struct vmp_rows *rows, uint64_t hits, uint64_t bytecodes)
{
    rows->untyped += hits;
    rows->untyped_bytecodes += bytecodes;
}

int
vmp_rows_end(struct vmp_rows *rows)
{
    finish_code(rows);
    flush(rows);
    return rows->error;
}
