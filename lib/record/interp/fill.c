/* SPDX-License-Identifier: MIT */

/* What stands in the rows of a profile of types: counts, and names. */

#include "making.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../code.h"
#include "classes.h"
#include "strings.h"
#include "types.h"

int
vmp_name_types(struct vmp_making *m)
{
    const struct vmp_table *const table = &m->collected.table;

    m->type_names =
        calloc(m->tuple_count * VMPROF_MAX_OPERANDS + 1, sizeof(char *));
    if (!m->type_names)
        return -ENOMEM;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct vmp_row *const row = vmp_table_row(table, i);

        for (uint32_t j = 0; j < row->tuple_count; j++)
            for (uint32_t k = 0; k < vmp_row_tuple(row, j)->count; k++) {
                const vmprof_type_id type = vmp_row_tuple(row, j)->types[k];
                const char *const name = vmp_type_name(type);
                bool is_new;
                const int64_t index = vmp_intern(&m->types, type, 0, &is_new);

                if (index < 0)
                    return -ENOMEM;
                if (is_new)
                    m->type_names[index] = vmp_strings_add(&m->profile->strings,
                                                           name, strlen(name));
                if (!m->type_names[index])
                    return -ENOMEM;
            }
    }
    return 0;
}

static void
fill_tuple(struct vmp_making *m, struct vmprof_type_tuple *to,
           const struct vmp_tuple *tuple)
{
    to->hits = tuple->hits.value;
    to->count = tuple->count;
    for (uint32_t i = 0; i < tuple->count; i++) {
        to->types[i] = tuple->types[i];
        to->names[i] =
            m->type_names[vmp_intern_find(&m->types, tuple->types[i], 0)];
    }
}

static int
compare_tuples(const void *a, const void *b)
{
    const struct vmprof_type_tuple *const x = a, *const y = b;

    return (x->hits < y->hits) - (x->hits > y->hits);
}

/* The counters of a row; returns where the next row's tuples go. */
static struct vmprof_type_tuple *
fill_counts(struct vmp_making *m, struct vmprof_type_row *to,
            const struct vmp_row *row, struct vmprof_type_tuple *tuples)
{
    to->untyped = row->untyped.value;
    to->other = row->other.value;
    to->tuples = tuples;
    to->tuple_count = row->tuple_count;
    for (uint32_t i = 0; i < row->tuple_count; i++) {
        fill_tuple(m, &tuples[i], vmp_row_tuple(row, i));
        to->typed += tuples[i].hits;
    }
    qsort(tuples, row->tuple_count, sizeof(*tuples), compare_tuples);
    to->hits = to->untyped + to->other + to->typed;
    to->bytecodes = to->hits + row->extra.value;
    return tuples + row->tuple_count;
}

static int
compare_late(const void *a, const void *b)
{
    const struct vmp_late_code *const *const x = a, *const *const y = b;

    return ((*x)->code > (*y)->code) - ((*x)->code < (*y)->code);
}

static int
sort_late(struct vmp_making *m)
{
    size_t count = 0;

    for (const struct vmp_late_code *l = m->collected.late; l; l = l->next)
        count++;
    m->late = calloc(count + 1, sizeof(struct vmp_late_code *));
    if (!m->late)
        return -ENOMEM;
    for (const struct vmp_late_code *l = m->collected.late; l; l = l->next)
        m->late[m->late_count++] = l;
    qsort(m->late, count, sizeof(struct vmp_late_code *), compare_late);
    return 0;
}

static const struct vmp_late_code *
find_late(const struct vmp_making *m, uint64_t code)
{
    size_t low = 0, high = m->late_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (m->late[middle]->code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->late_count && m->late[low]->code == code ? m->late[low]
                                                             : NULL;
}

static const char *
copy(struct vmp_making *m, const char *text)
{
    return vmp_strings_add(&m->profile->strings, text, strlen(text));
}

/* Name and hash of a code. */
static void
describe(struct vmp_making *m, struct vmprof_type_row *to,
         const struct vmp_interp_class *functions)
{
    char name[VMPROF_NAME_SIZE];
    const struct vmp_late_code *late = NULL;

    if (to->code && !vmp_code_is_alive(to->code))
        late = find_late(m, to->code);
    if (late) {
        to->name = copy(m, late->name);
        to->hash = late->hash;
        return;
    }
    if (m->ask_names)
        vmp_code_ask_name(to->code);
    name[vmp_code_name(to->code, name)] = 0;
    to->name = copy(m, name);
    to->hash = vmp_interp_hash(functions, to->code);
}

/* The name of an opcode, once for all rows. Returns 0 or -ENOMEM. */
static int
name_opcode(struct vmp_making *m, const struct vmp_draft *draft,
            const char **out)
{
    const char *const name = vmp_interp_opcode(draft->functions, draft->opcode);
    bool is_new;
    int64_t index;

    if (!name)
        return 0;
    index = vmp_intern(&m->opcodes, draft->functions->number, draft->opcode,
                       &is_new);
    if (index < 0)
        return -ENOMEM;
    if (is_new)
        m->opcode_names[index] = copy(m, name);
    *out = m->opcode_names[index];
    return *out ? 0 : -ENOMEM;
}

static int
fill_row(struct vmp_making *m, size_t index, const struct vmp_draft *draft)
{
    struct vmprof_type_row *const to = &m->profile->rows[index];
    const int r = name_opcode(m, draft, &to->opcode_name);

    to->code = draft->code;
    to->offset = draft->offset;
    to->opcode = draft->opcode;
    to->has_place = 1;
    to->line =
        draft->row && draft->row->line
            ? draft->row->line
            : vmp_interp_line(draft->functions, draft->code, draft->offset);
    if (index && to[-1].code == to->code) {
        to->name = to[-1].name;
        to->hash = to[-1].hash;
    } else {
        describe(m, to, draft->functions);
    }
    m->profile->classes[index] = draft->functions;
    return to->name ? r : -ENOMEM;
}

static int
fill_unplaced(struct vmp_making *m, size_t index)
{
    struct vmprof_type_row *const to = &m->profile->rows[index];

    describe(m, to, NULL);
    m->profile->classes[index] = NULL;
    m->profile->info.unplaced = to->hits;
    return to->name ? 0 : -ENOMEM;
}

int
vmp_fill_profile(struct vmp_making *m)
{
    struct vmprof_type_profile *const p = m->profile;
    struct vmprof_type_tuple *tuples;
    size_t index = 0;
    int r = 0;

    p->rows = calloc(m->count + 1, sizeof(*p->rows));
    p->classes = calloc(m->count + 1, sizeof(*p->classes));
    p->tuples = tuples = calloc(m->tuple_count + 1, sizeof(*p->tuples));
    m->opcode_names = calloc(m->count + 1, sizeof(char *));
    if (!p->rows || !p->classes || !p->tuples || !m->opcode_names ||
        sort_late(m) < 0)
        return -ENOMEM;
    if (m->unplaced) {
        fill_counts(m, &p->rows[0], m->unplaced, tuples);
        r = fill_unplaced(m, index++);
    }
    for (size_t i = 0; r == 0 && i < m->count; i++) {
        if (m->drafts[i].row)
            tuples = fill_counts(m, &p->rows[index], m->drafts[i].row, tuples);
        r = fill_row(m, index++, &m->drafts[i]);
    }
    p->info.rows = index;
    for (size_t i = 0; i < index; i++) {
        p->info.hits += p->rows[i].hits;
        p->info.bytecodes += p->rows[i].bytecodes;
    }
    return r;
}
