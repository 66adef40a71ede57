/* SPDX-License-Identifier: MIT */

/* Where a countdown ends: what the thread that runs bytecode does itself. */

#include <string.h>

#include "../thread.h"
#include "classes.h"
#include "countdown.h"

enum {
    NEVER_BITS = 62,
};

static struct vmp_row *
new_row(struct vmp_hits *hits, uint64_t code, uint64_t offset, uint32_t opcode)
{
    const unsigned char *const before = hits->table.rows;
    const struct vmp_interp_class *functions;
    struct vmp_row *row;

    if (!code)
        return &hits->table.unplaced;
    functions = vmp_interp_class_of(code);
    vmp_interp_lock();
    row = vmp_table_add(&hits->table, code, offset, opcode, functions);
    if (hits->table.rows != before)
        vmp_hits_drop_all(hits);
    vmp_interp_unlock();
    return row ? row : &hits->table.unplaced;
}

/* Of types that are not those of the first tuple. */
static __attribute__((noinline)) struct vmp_counter *
other_counter(struct vmp_hits *hits, struct vmp_row *row,
              const vmprof_type_id *types, uint32_t count)
{
    struct vmp_tuple *tuple = vmp_row_match(row, types, count);

    if (!tuple && row->tuple_count < hits->table.tuples &&
        row != &hits->table.unplaced) {
        vmp_interp_lock();
        tuple = vmp_row_add(&hits->table, row, types, count);
        vmp_interp_unlock();
    }
    return tuple ? &tuple->hits : &row->other;
}

/* The tuple's counter, or that of all that have none. */
static inline __attribute__((always_inline)) struct vmp_counter *
typed_counter(struct vmp_hits *hits, struct vmp_row *row,
              const vmprof_type_id *types, uint32_t count)
{
    struct vmp_tuple *const first = vmp_row_tuple(row, 0);

    if (__builtin_expect(
            row->tuple_count && count <= 2 && first->count == count &&
                first->types[0] == types[0] && first->types[1] == types[1],
            1))
        return &first->hits;
    return other_counter(hits, row, types, count);
}

/* Have vmprof_count_at_site() find this one, or vmprof_count_hit(). */
static void
remember(struct vmp_hits *hits, uintptr_t position, struct vmp_row *row,
         struct vmp_counter *counter, const vmprof_type_id *types,
         uint32_t count)
{
    struct vmprof_hit_cell *const cell =
        hits->cells + ((uint32_t)position * UINT32_C(2654435769)) / (1 << 22);
    uint64_t key;

    if (count > 2 || counter == &row->other || row == &hits->table.unplaced)
        return;
    key = count == 2   ? vmprof_key_of_two(types[0], types[1])
          : count == 1 ? vmprof_key_of_one(types[0])
                       : vmprof_key_of_none();
    if (vmp_hit_sites_set(&hits->sites, row->code, row->offset, key,
                          &counter->value))
        return;
    cell->key = key;
    cell->hits = &counter->value;
    __atomic_store_n(&cell->code, row->code, __ATOMIC_RELAXED);
    __atomic_store_n(&cell->position, position, __ATOMIC_RELAXED);
}

/* A bytecode, as the VM tells of it. */
struct bytecode {
    uint64_t code, offset;
    uintptr_t position; /* 0: not told */
    uint32_t opcode;
    const void *operands;
    const vmprof_type_id *types; /* NULL: the class is asked */
    size_t count;
};

/* How many types, all those of a pair set. */
static inline __attribute__((always_inline)) uint32_t
types_of(const struct vmp_row *row, const struct bytecode *bytecode,
         vmprof_type_id types[VMPROF_MAX_OPERANDS])
{
    const struct vmp_interp_class *const c = row->functions;
    int count = 0;

    if (bytecode->types) {
        count = bytecode->count < VMPROF_MAX_OPERANDS ? (int)bytecode->count
                                                      : VMPROF_MAX_OPERANDS;
        memcpy(types, bytecode->types, (size_t)count * sizeof(*types));
    } else if (c && c->functions.operands) {
        count =
            c->functions.operands(c->functions.user, bytecode->offset,
                                  bytecode->opcode, bytecode->operands, types);
    }
    /* Beyond these only what counts is ever looked at. */
    for (int i = count < 0 ? 0 : count; i < 2; i++)
        types[i] = 0;
    return count < 0                     ? 0
           : count > VMPROF_MAX_OPERANDS ? VMPROF_MAX_OPERANDS
                                         : (uint32_t)count;
}

static inline __attribute__((always_inline)) void
count_hit(struct vmp_hits *hits, uint64_t gap, const struct bytecode *bytecode,
          bool remembers)
{
    vmprof_type_id types[VMPROF_MAX_OPERANDS];
    struct vmp_row *row =
        vmp_table_find(&hits->table, bytecode->code, bytecode->offset);
    struct vmp_counter *counter;
    uint32_t count;

    if (!row)
        row = new_row(hits, bytecode->code, bytecode->offset, bytecode->opcode);
    count = types_of(row, bytecode, types);
    counter = count ? typed_counter(hits, row, types, count) : &row->untyped;
    if (gap > 1)
        vmp_counter_add(&row->extra, gap - 1);
    vmp_counter_add(counter, 1);
    if (remembers)
        remember(hits, bytecode->position, row, counter, types, count);
}

/* A count has run out, whatever is set. */
static __attribute__((noinline)) int64_t
expire_anyhow(struct vmprof_thread *head, int64_t countdown,
              const struct bytecode bytecode)
{
    struct vmp_hits *hits;
    uint64_t gap = 1;
    bool counted;

    if (!head)
        return (int64_t)1 << NEVER_BITS;
    hits = &((struct vmp_thread *)head)->hits;
    counted = vmp_countdown_account(hits, countdown);
    if (vmp_hits_are_late(hits))
        vmp_hits_look(hits);
    if (!hits->mark) {
        if (!hits->on)
            return vmp_countdown_reload(hits);
        if (!counted) {
            hits->ran++;
            hits->left--;
        }
        if (!hits->each && hits->left > 0)
            return vmp_countdown_reload(hits);
        gap = hits->ran;
        hits->ran = 0;
        hits->left = vmp_countdown_draw(hits);
    }
    count_hit(hits, gap, &bytecode,
              bytecode.position && hits->each && hits->cells);
    return vmp_countdown_reload(hits);
}

/* The same, soon done where it has run out for a hit and nothing has changed. */
static inline __attribute__((always_inline)) int64_t
expire(struct vmprof_thread *head, int64_t countdown,
       const struct bytecode *bytecode)
{
    struct vmp_hits *hits;
    uint64_t gap;

    if (!head)
        return (int64_t)1 << NEVER_BITS;
    hits = &((struct vmp_thread *)head)->hits;
    if (__builtin_expect(
            !hits->is_planned || countdown != -1 || vmp_hits_are_late(hits), 0))
        return expire_anyhow(head, countdown, *bytecode);
    gap = hits->ran + (uint64_t)hits->left;
    hits->ran = 0;
    hits->left = vmp_countdown_draw(hits);
    count_hit(hits, gap, bytecode, false);
    return vmp_countdown_reload(hits);
}

int64_t
vmprof_bytecode_expired(struct vmprof_thread *thread, int64_t countdown,
                        vmprof_code_id code, uint64_t offset, uint32_t opcode,
                        const void *operands)
{
    const struct bytecode bytecode = {
        .code = code, .offset = offset, .opcode = opcode, .operands = operands
    };

    return expire(thread, countdown, &bytecode);
}

int64_t
vmprof_bytecode_typed(struct vmprof_thread *thread, int64_t countdown,
                      vmprof_code_id code, uint64_t offset, uint32_t opcode,
                      const vmprof_type_id *types, size_t count)
{
    static const vmprof_type_id none;
    const struct bytecode bytecode = { .code = code,
                                       .offset = offset,
                                       .opcode = opcode,
                                       .types = types ? types : &none,
                                       .count = types ? count : 0 };

    return expire(thread, countdown, &bytecode);
}

int64_t
vmprof_bytecode_missed(struct vmprof_thread *thread, int64_t countdown,
                       uintptr_t position, vmprof_code_id code, uint64_t offset,
                       uint32_t opcode, const void *operands)
{
    const struct bytecode bytecode = { .code = code,
                                       .offset = offset,
                                       .position = position,
                                       .opcode = opcode,
                                       .operands = operands };

    return expire(thread, countdown, &bytecode);
}
