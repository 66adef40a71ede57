/* SPDX-License-Identifier: MIT */

/* vmprof types --ndjson: the rows that vmprof_write_type_rows() writes. */
#include <errno.h>
#include <stdlib.h>

#include "format/type_rows.h"
#include "types_view.h"

/* Room for the tuples of one site, which grows. */
struct scratch {
    struct vmp_rows_tuple *tuples;
    const char **names; /* MAX_OPERANDS for each */
    uint32_t capacity;
};

static int
write_out(void *user, const void *data, size_t size)
{
    return fwrite(data, 1, size, user) == size ? 0 : -EIO;
}

static int
reserve(struct scratch *scratch, uint32_t count)
{
    struct vmp_rows_tuple *tuples;
    const char **names;

    if (count <= scratch->capacity)
        return 0;
    tuples = reallocarray(scratch->tuples, count, sizeof(*tuples));
    if (!tuples)
        return -ENOMEM;
    scratch->tuples = tuples;
    names = reallocarray(scratch->names, count, MAX_OPERANDS * sizeof(*names));
    if (!names)
        return -ENOMEM;
    scratch->names = names;
    scratch->capacity = count;
    return 0;
}

static void
fill_tuples(struct scratch *scratch, const struct profile *profile,
            const struct type_site *site)
{
    for (uint32_t i = 0; i < site->tuple_count; i++) {
        const struct type_tuple *tuple =
            &profile->type_tuples[site->first_tuple + i];
        const char **names = scratch->names + (size_t)i * MAX_OPERANDS;

        for (uint32_t j = 0; j < tuple->count; j++)
            names[j] = profile->words[tuple->words[j]];
        scratch->tuples[i] =
            (struct vmp_rows_tuple){ tuple->hits, names, tuple->count };
    }
}

static int
write_site(struct vmp_rows *rows, struct scratch *scratch,
           const struct profile *profile, const struct type_site *site)
{
    if (!site->has_place) {
        vmp_rows_unplaced(rows, site->hits, site->bytecodes);
        return 0;
    }
    if (reserve(scratch, site->tuple_count))
        return -ENOMEM;
    fill_tuples(scratch, profile, site);
    vmp_rows_site(rows, &(struct vmp_rows_site){
                            .opcode_name = site->opcode_name,
                            .opcode = site->opcode,
                            .line = site->line,
                            .offset = site->offset,
                            .other = site->other,
                            .untyped = site->untyped,
                            .bytecodes = site->bytecodes,
                            .tuples = scratch->tuples,
                            .tuple_count = site->tuple_count,
                        });
    return 0;
}

static int
write_group(struct vmp_rows *rows, struct scratch *scratch,
            const struct types_view *types, const struct type_group *group)
{
    const struct type_site *sites =
        &types->view.profile.type_sites[group->first];
    const struct code *code = group_code(types, group);
    struct vmp_rows_code about = { 0 };
    int result = 0;

    if (sites->has_code)
        about = (struct vmp_rows_code){
            .function = code->function,
            .file = code->file,
            .line = code->line,
            .hash = group_hash(types, group),
        };
    vmp_rows_code(rows, &about);
    for (uint32_t i = 0; i < group->count && !result; i++)
        result = write_site(rows, scratch, &types->view.profile, &sites[i]);
    return result;
}

int
report_types_rows(const struct types_view *types)
{
    const struct vmp_rows_origin origin = { types->host, types->service,
                                            types->version };
    struct scratch scratch = { 0 };
    struct vmp_rows rows;
    int result = 0, ended;

    vmp_rows_begin(&rows, &origin, write_out, types->view.terminal.out);
    for (uint32_t i = 0; i < types->groups.count && !result; i++) {
        const struct type_group *group = &types->groups.groups[i];

        if (group_is_shown(types, group))
            result = write_group(&rows, &scratch, types, group);
    }
    ended = vmp_rows_end(&rows);
    free(scratch.tuples);
    free(scratch.names);
    /* A failed write is found when the output is flushed. */
    return result ? result : ended == -EIO ? 0 : ended;
}
