/* SPDX-License-Identifier: MIT */

/* A profile as lines of JSON. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../format/format.h"
#include "../../format/split_name.h"
#include "../../format/type_rows.h"
#include "../../sized.h"
#include "profile.h"

enum {
    ORIGIN_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_type_origin, version),
    HOST_SIZE = 256,
};

/* The name of the code at hand, in its parts. */
struct name {
    char buffer[VMPROF_NAME_SIZE];
    char function[VMPROF_NAME_SIZE], file[VMPROF_NAME_SIZE];
};

static void
copy_part(char *to, const struct vmp_name_part *part)
{
    memcpy(to, part->text, part->size);
    to[part->size] = 0;
}

static void
write_code(struct vmp_rows *rows, struct name *name,
           const struct vmprof_type_row *row)
{
    struct vmp_rows_code code = { .hash = row->hash };
    struct vmp_name_parts parts;
    const size_t size = strnlen(row->name, sizeof(name->buffer) - 1);

    if (row->code) {
        memcpy(name->buffer, row->name, size);
        vmp_split_name(&parts, name->buffer, size);
        copy_part(name->function, &parts.function);
        copy_part(name->file, &parts.file);
        code.function = name->function;
        code.file = name->file;
        code.line = parts.line;
    }
    vmp_rows_code(rows, &code);
}

static void
write_site(struct vmp_rows *rows, const struct vmprof_type_row *row)
{
    struct vmp_rows_tuple tuples[VMP_TUPLES_MAX];
    const struct vmp_rows_site site = {
        .opcode_name = row->opcode_name,
        .opcode = row->opcode,
        .line = row->line,
        .offset = row->offset,
        .other = row->other,
        .untyped = row->untyped,
        .bytecodes = row->bytecodes,
        .tuples = tuples,
        .tuple_count = (uint32_t)row->tuple_count,
    };

    for (uint32_t i = 0; i < site.tuple_count; i++)
        tuples[i] = (struct vmp_rows_tuple){
            .hits = row->tuples[i].hits,
            .types = row->tuples[i].names,
            .count = (uint32_t)row->tuples[i].count,
        };
    vmp_rows_site(rows, &site);
}

static int
write_all(const struct vmprof_type_profile *profile, struct vmp_rows *rows)
{
    /* That of the code before is still in use when the next one's is made. */
    struct name *const names = malloc(2 * sizeof(*names));
    unsigned codes = 0;

    if (!names)
        return -ENOMEM;
    for (uint64_t i = 0; i < profile->info.rows; i++) {
        const struct vmprof_type_row *const row = &profile->rows[i];

        if (!i || row[-1].code != row->code)
            write_code(rows, &names[codes++ % 2], row);
        if (row->has_place)
            write_site(rows, row);
        else
            vmp_rows_unplaced(rows, row->hits, row->bytecodes);
    }
    /* The last code's is written now. */
    const int r = vmp_rows_end(rows);
    free(names);
    return r;
}

int
vmprof_write_type_rows(const struct vmprof_type_profile *profile,
                       const struct vmprof_type_origin *given,
                       vmprof_write_function write, void *user)
{
    struct vmprof_type_origin origin = { 0 };
    char host[HOST_SIZE] = "";
    struct vmp_rows_origin from;
    struct vmp_rows rows;
    int r = 0;

    if (!profile || !write)
        return -EINVAL;
    if (given)
        r = vmp_sized_import(&origin, sizeof(origin), ORIGIN_SIZE_0_1, given);
    if (r < 0)
        return r;
    if (!origin.host && gethostname(host, sizeof(host) - 1) == 0)
        origin.host = host;
    from =
        (struct vmp_rows_origin){ origin.host, origin.service, origin.version };
    vmp_rows_begin(&rows, &from, write, user);
    return write_all(profile, &rows);
}
