/* SPDX-License-Identifier: MIT */

/* Which rows a profile of types will have. */

#include "making.h"

#include <errno.h>
#include <stdlib.h>

#include "classes.h"

enum {
    MOST_UNSEEN = 1 << 20, /* sites without a hit */
};

static int
add_draft(struct vmp_making *m, const struct vmp_draft *draft)
{
    if (m->count == m->capacity) {
        const size_t capacity = m->capacity ? 2 * m->capacity : 256;
        struct vmp_draft *const grown =
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
    const struct vmp_draft *const x = a, *const y = b;

    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static void
sort_drafts(struct vmp_making *m)
{
    if (m->count)
        qsort(m->drafts, m->count, sizeof(*m->drafts), compare_drafts);
}

int
vmp_draft_rows(struct vmp_making *m)
{
    const struct vmp_table *const table = &m->collected.table;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < table->count; i++) {
        const struct vmp_row *const row = vmp_table_row(table, i);
        const struct vmp_draft draft = { row->code, row->offset, row,
                                         row->functions, row->opcode };

        m->tuple_count += row->tuple_count;
        r = add_draft(m, &draft);
    }
    sort_drafts(m);
    return r;
}

/* The sites of one code that were never hit. */
static int
draft_unseen(struct vmp_making *m, const struct vmp_draft *of, size_t *left)
{
    struct vmp_draft draft = { .code = of->code, .functions = of->functions };
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

int
vmp_draft_unseen(struct vmp_making *m)
{
    const size_t hit = m->count;
    size_t left = MOST_UNSEEN;
    int r = 0;

    for (size_t i = 0; r == 0 && i < hit; i++) {
        const struct vmp_draft draft = m->drafts[i]; /* the array may move */

        if (i == 0 || m->drafts[i - 1].code != draft.code)
            r = draft_unseen(m, &draft, &left);
    }
    sort_drafts(m);
    return r;
}
