/* SPDX-License-Identifier: MIT */

/* From counters to rows with names. */

#include "profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../intern.h"
#include "../../sized.h"
#include "../code.h"
#include "classes.h"
#include "collect.h"
#include "settings.h"
#include "strings.h"
#include "types.h"

enum {
    INFO_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_type_profile_info, unplaced),
    ROW_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_type_row, tuples),
    MOST_UNSEEN = 1 << 20, /* sites without a hit */
};

/* A row to be: of the table, or a site that was never hit. */
struct draft {
    uint64_t code, offset;
    const struct vmp_row *row; /* NULL: never hit */
    const struct vmp_interp_class *functions;
    uint32_t opcode;
};

/* A profile while it is made. */
struct making {
    struct vmprof_type_profile *profile;
    struct vmp_collected collected;
    struct draft *drafts;
    size_t count, capacity, tuple_count;
    struct vmp_intern types; /* (id, 0) */
    const char **type_names;
    struct vmp_intern opcodes; /* (class, opcode) */
    const char **opcode_names;
    const struct vmp_row *unplaced;    /* NULL: there are none */
    const struct vmp_late_code **late; /* by code */
    size_t late_count;
    bool ask_names;
};

static int
add_draft(struct making *m, const struct draft *draft)
{
    if (m->count == m->capacity) {
        const size_t capacity = m->capacity ? 2 * m->capacity : 256;
        struct draft *const grown =
            realloc(m->drafts, capacity * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        m->drafts = grown;
        m->capacity = capacity;
    }
    m->drafts[m->count++] = *draft;
    return 0;
}

static int
compare_drafts(const void *a, const void *b)
{
    const struct draft *const x = a, *const y = b;

    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static int
draft_rows(struct making *m)
{
    const struct vmp_table *const table = &m->collected.table;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < table->count; i++) {
        const struct vmp_row *const row = vmp_table_row(table, i);
        const struct draft draft = { row->code, row->offset, row,
                                     row->functions, row->opcode };

        m->tuple_count += row->tuple_count;
        r = add_draft(m, &draft);
    }
    return r;
}

/* The sites of one code that were never hit. */
static int
draft_unseen(struct making *m, const struct draft *of, size_t *left)
{
    struct draft draft = { .code = of->code, .functions = of->functions };
    int r = 0;

    while (r == 0 && *left &&
           vmp_interp_next_site(of->functions, of->code, &draft.offset,
                                &draft.opcode)) {
        if (!vmp_table_find(&m->collected.table, of->code, draft.offset)) {
            r = add_draft(m, &draft);
            (*left)--;
        }
        if (draft.offset++ == UINT64_MAX)
            break;
    }
    return r;
}

static int
draft_all_unseen(struct making *m)
{
    const size_t hit = m->count;
    size_t left = MOST_UNSEEN;
    int r = 0;

    for (size_t i = 0; r == 0 && i < hit; i++) {
        const struct draft draft = m->drafts[i]; /* the array may move */

        if (i == 0 || m->drafts[i - 1].code != draft.code)
            r = draft_unseen(m, &draft, &left);
    }
    return r;
}

/* Names of the types in all tuples, once each. */
static int
name_types(struct making *m)
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
fill_tuple(struct making *m, struct vmprof_type_tuple *to,
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
fill_counts(struct making *m, struct vmprof_type_row *to,
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
sort_late(struct making *m)
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
find_late(const struct making *m, uint64_t code)
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
copy(struct making *m, const char *text)
{
    return vmp_strings_add(&m->profile->strings, text, strlen(text));
}

/* Name and hash of a code. */
static void
describe(struct making *m, struct vmprof_type_row *to,
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
name_opcode(struct making *m, const struct draft *draft, const char **out)
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
fill_row(struct making *m, size_t index, const struct draft *draft)
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
fill_unplaced(struct making *m, size_t index)
{
    struct vmprof_type_row *const to = &m->profile->rows[index];

    describe(m, to, NULL);
    m->profile->classes[index] = NULL;
    m->profile->info.unplaced = to->hits;
    return to->name ? 0 : -ENOMEM;
}

static int
fill(struct making *m)
{
    struct vmprof_type_profile *const p = m->profile;
    struct vmprof_type_tuple *tuples;
    size_t index = 0;
    int r = 0;

    p->rows = calloc(m->count + 1, sizeof(*p->rows));
    p->classes = calloc(m->count + 1, sizeof(*p->classes));
    p->tuples = tuples = calloc(m->tuple_count + 1, sizeof(*p->tuples));
    m->opcode_names = calloc(m->count + 1, sizeof(char *));
    if (!p->rows || !p->classes || !p->tuples || !m->opcode_names)
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

static bool
has_hits(const struct vmp_row *row)
{
    return row->untyped.value || row->other.value || row->extra.value;
}

static void
sort_drafts(struct making *m)
{
    if (m->count)
        qsort(m->drafts, m->count, sizeof(*m->drafts), compare_drafts);
}

static int
make(struct making *m)
{
    int r = draft_rows(m);

    if (has_hits(&m->collected.table.unplaced))
        m->unplaced = &m->collected.table.unplaced;
    sort_drafts(m);
    if (r == 0)
        r = sort_late(m);
    if (r == 0)
        r = draft_all_unseen(m);
    sort_drafts(m);
    vmp_interp_lock();
    if (r == 0)
        r = name_types(m);
    vmp_interp_unlock();
    return r < 0 ? r : fill(m);
}

static void
fill_info(struct vmprof_type_profile *profile, const struct vmp_collected *c)
{
    profile->info.period = c->period;
    profile->info.jitter = c->jitter;
    profile->info.from_ns = c->from_unix_ns;
    profile->info.until_ns = c->until_unix_ns;
    profile->from_mono_ns = c->from_mono_ns;
    profile->until_mono_ns = c->until_mono_ns;
    atomic_store(&profile->users, 1);
}

int
vmp_profile_take(struct vmprof_type_profile **out, bool ask_names)
{
    struct making m = { .ask_names = ask_names };
    int r;

    m.profile = calloc(1, sizeof(*m.profile));
    if (!m.profile)
        return -ENOMEM;
    fill_info(m.profile, &m.collected);
    vmp_callbacks_lock();
    r = vmp_collect(&m.collected);
    if (r == 0) {
        fill_info(m.profile, &m.collected);
        r = make(&m);
        if (r == 0)
            vmp_collected_free(&m.collected);
        else
            vmp_collect_undo(&m.collected);
    }
    vmp_callbacks_unlock();
    free(m.drafts);
    vmp_intern_free(&m.types);
    vmp_intern_free(&m.opcodes);
    free(m.type_names);
    free(m.opcode_names);
    free(m.late);
    if (r < 0)
        vmprof_free_type_profile(m.profile);
    else
        *out = m.profile;
    return r;
}

void
vmprof_free_type_profile(struct vmprof_type_profile *profile)
{
    if (!profile || atomic_fetch_sub(&profile->users, 1) != 1)
        return;
    vmp_strings_free(profile->strings);
    free(profile->rows);
    free(profile->classes);
    free(profile->tuples);
    free(profile);
}

int
vmprof_get_type_profile_info(const struct vmprof_type_profile *profile,
                             struct vmprof_type_profile_info *info)
{
    if (!profile || !info)
        return -EINVAL;
    return vmp_sized_export(info, sizeof(*info), INFO_SIZE_0_1, &profile->info);
}

int
vmprof_get_type_row(const struct vmprof_type_profile *profile, uint64_t index,
                    struct vmprof_type_row *row)
{
    int r;

    if (!profile || !row)
        return -EINVAL;
    if (index >= profile->info.rows)
        return 0;
    r = vmp_sized_export(row, sizeof(*row), ROW_SIZE_0_1,
                         &profile->rows[index]);
    return r < 0 ? r : 1;
}
