/* SPDX-License-Identifier: MIT */

/* A profile as lines of JSON, with the columns of doc/format.md. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sized.h"
#include "profile.h"
#include "text.h"

enum {
    ORIGIN_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_type_origin, version),
    HOST_SIZE = 256,
};

/* A full name, in its parts. */
struct name {
    char class_name[VMPROF_NAME_SIZE], function[VMPROF_NAME_SIZE],
        file[VMPROF_NAME_SIZE];
    uint64_t line;
};

struct writing {
    const struct vmprof_type_profile *profile;
    const struct vmprof_type_origin *origin;
    const char *host;
    vmprof_write_function write;
    void *user;
    struct name name; /* of the code at hand */
    struct vmp_text line;
};

/* Copy a part of a name up to its colon, with %3A and %25 made out. */
static const char *
take_part(char *to, const char *from)
{
    while (*from && *from != ':') {
        if (strncmp(from, "%3A", 3) == 0 || strncmp(from, "%25", 3) == 0) {
            *to++ = from[1] == '3' ? ':' : '%';
            from += 3;
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
    return *from ? from + 1 : from;
}

static void
split_name(struct name *name, const char *full)
{
    char line[VMPROF_NAME_SIZE];

    full = take_part(name->class_name, full);
    full = take_part(name->function, full);
    full = take_part(line, full);
    take_part(name->file, full);
    name->line = strtoull(line, NULL, 10);
}

static void
add_string(struct vmp_text *text, const char *key, const char *value)
{
    if (!value)
        return;
    vmp_text_comma(text);
    vmp_text_quoted(text, key);
    vmp_text_add(text, ":", 1);
    vmp_text_quoted(text, value);
}

static void
add_number(struct vmp_text *text, const char *key, uint64_t value)
{
    char digits[32];
    const int size = snprintf(digits, sizeof(digits), ":%" PRIu64, value);

    vmp_text_comma(text);
    vmp_text_quoted(text, key);
    vmp_text_add(text, digits, (size_t)size);
}

static void
open_group(struct vmp_text *text, const char *key, char bracket)
{
    vmp_text_comma(text);
    vmp_text_quoted(text, key);
    vmp_text_add(text, ":", 1);
    vmp_text_add(text, &bracket, 1);
}

static void
add_normal(struct writing *w, const struct vmprof_type_row *row, bool has_site)
{
    struct vmp_text *const text = &w->line;

    open_group(text, "normal", '{');
    add_string(text, "func_qualname", w->name.function);
    add_string(text, "filename", w->name.file);
    add_string(text, "language", w->name.class_name);
    if (has_site)
        add_string(text, "opname", row->opcode_name);
    add_string(text, "host", w->host);
    add_string(text, "service", w->origin->service);
    add_string(text, "version", w->origin->version);
    vmp_text_add(text, "}", 1);
}

static void
add_int(struct writing *w, const struct vmprof_type_row *row, bool has_site,
        uint64_t count, uint64_t bytecodes)
{
    const struct vmprof_type_profile_info *const info = &w->profile->info;
    struct vmp_text *const text = &w->line;

    open_group(text, "int", '{');
    add_number(text, "code_hash", row->hash);
    add_number(text, "firstlineno", w->name.line);
    add_number(text, "count", count);
    add_number(text, "bytecodes", bytecodes);
    if (has_site) {
        if (row->line)
            add_number(text, "lineno", row->line);
        add_number(text, "bc_offset", row->offset);
    }
    add_number(text, "period", info->period);
    add_number(text, "from_ns", info->from_ns);
    add_number(text, "time_ns", info->until_ns);
    vmp_text_add(text, "}", 1);
}

/* tuple NULL: what overflowed. */
static void
add_types(struct writing *w, const struct vmprof_type_tuple *tuple)
{
    struct vmp_text *const text = &w->line;

    open_group(text, "normvector", '{');
    open_group(text, "types", '[');
    for (uint64_t i = 0; tuple && i < tuple->count; i++) {
        vmp_text_comma(text);
        vmp_text_quoted(text, tuple->names[i]);
    }
    if (!tuple)
        vmp_text_quoted(text, "<other>");
    vmp_text_add(text, "]}", 2);
}

static int
end_line(struct writing *w)
{
    vmp_text_add(&w->line, "}\n", 2);
    return w->line.failed ? -ENOMEM
                          : w->write(w->user, w->line.bytes, w->line.size);
}

/* What `count` of a row's hits stand for. */
static uint64_t
scale(const struct vmprof_type_row *row, uint64_t count)
{
    return row->hits ? (uint64_t)((double)row->bytecodes * (double)count /
                                      (double)row->hits +
                                  0.5)
                     : 0;
}

static int
write_typed(struct writing *w, const struct vmprof_type_row *row,
            const struct vmprof_type_tuple *tuple, uint64_t hits)
{
    vmp_text_clear(&w->line);
    vmp_text_add(&w->line, "{", 1);
    add_normal(w, row, true);
    add_int(w, row, true, hits, scale(row, hits));
    add_types(w, tuple);
    return end_line(w);
}

/* Of the rows from `first` on that are of the same code. */
static int
write_untyped(struct writing *w, uint64_t first)
{
    const struct vmprof_type_row *const rows = w->profile->rows;
    uint64_t count = 0, bytecodes = 0;

    for (uint64_t i = first;
         i < w->profile->info.rows && rows[i].code == rows[first].code; i++) {
        count += rows[i].untyped;
        bytecodes += scale(&rows[i], rows[i].untyped);
        if (!rows[i].has_place) {
            count += rows[i].other;
            bytecodes += scale(&rows[i], rows[i].other);
        }
    }
    if (!count)
        return 0;
    vmp_text_clear(&w->line);
    vmp_text_add(&w->line, "{", 1);
    add_normal(w, &rows[first], false);
    add_int(w, &rows[first], false, count, bytecodes);
    return end_line(w);
}

static int
write_row(struct writing *w, uint64_t index)
{
    const struct vmprof_type_row *const row = &w->profile->rows[index];
    int r = 0;

    if (!index || row[-1].code != row->code) {
        split_name(&w->name, row->name);
        r = write_untyped(w, index);
    }
    for (uint64_t i = 0; r == 0 && i < row->tuple_count; i++)
        if (row->tuples[i].hits)
            r = write_typed(w, row, &row->tuples[i], row->tuples[i].hits);
    if (r == 0 && row->other && row->has_place)
        r = write_typed(w, row, NULL, row->other);
    return r;
}

int
vmprof_write_type_rows(const struct vmprof_type_profile *profile,
                       const struct vmprof_type_origin *given,
                       vmprof_write_function write, void *user)
{
    struct vmprof_type_origin origin = { 0 };
    char host[HOST_SIZE] = "";
    struct writing w = {
        .profile = profile, .origin = &origin, .write = write, .user = user
    };
    int r = 0;

    if (!profile || !write)
        return -EINVAL;
    if (given)
        r = vmp_sized_import(&origin, sizeof(origin), ORIGIN_SIZE_0_1, given);
    if (!origin.host)
        gethostname(host, sizeof(host) - 1);
    w.host = origin.host ? origin.host : host;
    for (uint64_t i = 0; r == 0 && i < profile->info.rows; i++)
        r = write_row(&w, i);
    free(w.line.bytes);
    return r;
}
