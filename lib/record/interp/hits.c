/* SPDX-License-Identifier: MIT */

/* Where a countdown ends: what the thread that runs bytecode does itself. */

#include "hits.h"

#include <stdlib.h>
#include <string.h>

#include "../code.h"
#include "../thread.h"
#include "candidates.h"
#include "classes.h"
#include "readout.h"
#include "settings.h"

enum {
    NEVER_BITS = 62,
    VMP_COUNTERS_EACH = 4, /* for a site that there may be */
};

/* A number from 1 to 2n - 1, or n. */
static int64_t
draw(struct vmp_hits *hits)
{
    const uint64_t period = hits->period;

    if (!hits->jitter || period == 1)
        return (int64_t)period;
    hits->random ^= hits->random << 13;
    hits->random ^= hits->random >> 7;
    hits->random ^= hits->random << 17;
    return 1 + (int64_t)(hits->random % (2 * period - 1));
}

/* What the thread has run since it got its countdown. Returns whether that is
 * in `ran`: else each was a hit, or none was to be counted. */
static bool
account(struct vmp_hits *hits, int64_t countdown)
{
    const int64_t elapsed =
        hits->loaded > countdown ? hits->loaded - countdown : 0;

    hits->loaded = countdown;
    if (!hits->on || hits->each)
        return false;
    hits->ran += (uint64_t)elapsed;
    hits->left -= elapsed;
    return true;
}

static int64_t
load(struct vmp_hits *hits, int64_t countdown)
{
    hits->loaded = countdown;
    return countdown;
}

static int64_t
reload(struct vmp_hits *hits)
{
    if (hits->each)
        return load(hits, 0); /* and on below it: see vmprof_count_hit() */
    if (!hits->on)
        /* A thread that goes on counting while it is off does not know. One
         * that only counts while it is on begins with a look. */
        return load(hits, hits->idle++ ? VMPROF_COUNT_MOST - 1 : 0);
    if (hits->left > VMPROF_COUNT_MOST)
        return load(hits, VMPROF_COUNT_MOST - 1);
    return load(hits, hits->left > 1 ? hits->left - 1 : 0);
}

static void
drop_all_cells(struct vmp_hits *hits)
{
    for (unsigned i = 0; hits->cells && i < VMPROF_HIT_CELLS; i++)
        __atomic_store_n(&hits->cells[i].position, 0, __ATOMIC_RELAXED);
    vmp_hit_sites_drop(&hits->sites);
}

void
vmp_hits_drop_sites(struct vmp_hits *hits, uint64_t code)
{
    vmp_hit_sites_forget(&hits->sites, code);
}

void
vmp_hits_drop_cells(struct vmp_hits *hits, uint64_t code)
{
    for (unsigned i = 0; hits->cells && i < VMPROF_HIT_CELLS; i++)
        if (__atomic_load_n(&hits->cells[i].code, __ATOMIC_RELAXED) == code)
            __atomic_store_n(&hits->cells[i].position, 0, __ATOMIC_RELAXED);
}

/* Under the lock, for whoever drops cells. */
static void
set_mode(struct vmp_hits *hits)
{
    hits->idle = 0;
    hits->each = hits->mark != 0 || (hits->on && hits->period == 1);
    if (hits->each && !hits->cells)
        hits->cells = calloc(VMPROF_HIT_CELLS, sizeof(*hits->cells));
    hits->head->hit_cells = hits->cells;
    hits->head->hit_floor = hits->each && hits->cells ? -VMPROF_COUNT_MOST : 0;
}

static void
set_period(struct vmp_hits *hits)
{
    const uint64_t period = atomic_load(&vmp_interp.period);
    const bool jitter = atomic_load(&vmp_interp.jitter);

    if (hits->restarts != vmp_interp.restarts)
        hits->ran = 0;
    else if (period == hits->period && jitter == hits->jitter)
        return;
    hits->restarts = vmp_interp.restarts;
    hits->period = period;
    hits->jitter = jitter;
    hits->left = draw(hits) - (int64_t)hits->ran;
}

static void
look(struct vmp_hits *hits)
{
    vmp_interp_lock();
    /* Pairs with vmp_interp_changed(). */
    hits->epoch = atomic_load_explicit(&vmp_interp.epoch, memory_order_acquire);
    set_period(hits);
    hits->on = hits->wanted;
    if (hits->generation != vmp_interp.generation) {
        hits->generation = vmp_interp.generation;
        drop_all_cells(hits);
        vmp_table_tidy(&hits->table);
    }
    if (hits->mark && !vmp_candidate_is_there(hits->mark)) {
        hits->mark = 0;
        vmp_hits_show(hits);
    }
    set_mode(hits);
    vmp_interp_unlock();
}

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
        drop_all_cells(hits);
    vmp_interp_unlock();
    return row ? row : &hits->table.unplaced;
}

/* The tuple's counter, or that of all that have none. */
static struct vmp_counter *
typed_counter(struct vmp_hits *hits, struct vmp_row *row,
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

struct vmprof_hit_site *
vmprof_hit_sites(struct vmprof_thread *thread, vmprof_code_id code,
                 size_t count)
{
    struct vmp_hits *hits;
    struct vmp_code_sites *found;

    if (!thread || !code)
        return NULL;
    hits = &((struct vmp_thread *)thread)->hits;
    vmp_interp_lock();
    found = vmp_hit_sites_find(&hits->sites, code);
    if (!found)
        found = vmp_hit_sites_make(&hits->sites, code, count,
                                   vmp_interp.limits.sites);
    vmp_interp_unlock();
    return found && found->count >= count ? found->sites : NULL;
}

uint64_t *
vmprof_hit_counters(struct vmprof_thread *thread, vmprof_code_id code,
                    size_t count)
{
    const struct vmp_interp_class *functions;
    uint64_t *counters;

    if (!thread || !code)
        return NULL;
    functions = vmp_interp_class_of(code);
    if (!functions || !functions->functions.known)
        return NULL;
    vmp_interp_lock();
    counters = vmp_hit_counters_get(
        &((struct vmp_thread *)thread)->hits.counters, code, count,
        (size_t)VMP_COUNTERS_EACH * vmp_interp.limits.sites);
    vmp_interp_unlock();
    return counters;
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
count_hit(struct vmp_hits *hits, uint64_t gap, const struct bytecode *bytecode)
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
    if (bytecode->position && hits->each && hits->cells)
        remember(hits, bytecode->position, row, counter, types, count);
}

static inline __attribute__((always_inline)) int64_t
expire(struct vmprof_thread *head, int64_t countdown,
       const struct bytecode *bytecode)
{
    struct vmp_hits *hits;
    uint64_t gap = 1;
    bool counted;

    if (!head)
        return (int64_t)1 << NEVER_BITS;
    hits = &((struct vmp_thread *)head)->hits;
    counted = account(hits, countdown);
    if (__builtin_expect(
            hits->epoch !=
                atomic_load_explicit(&vmp_interp.epoch, memory_order_relaxed),
            0))
        look(hits);
    if (!hits->mark) {
        if (!hits->on)
            return reload(hits);
        if (!counted) {
            hits->ran++;
            hits->left--;
        }
        if (!hits->each && hits->left > 0)
            return reload(hits);
        gap = hits->ran;
        hits->ran = 0;
        hits->left = draw(hits);
    }
    count_hit(hits, gap, bytecode);
    return reload(hits);
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

void
vmp_hits_sync(struct vmp_hits *hits)
{
    account(hits, hits->head->bytecode_countdown);
    look(hits);
    hits->head->bytecode_countdown = reload(hits);
}

void
vmprof_look_at_counts(struct vmprof_thread *thread)
{
    struct vmp_hits *hits;

    if (!thread)
        return;
    hits = &((struct vmp_thread *)thread)->hits;
    if (hits->epoch !=
        atomic_load_explicit(&vmp_interp.epoch, memory_order_relaxed))
        vmp_hits_sync(hits);
}

void
vmp_hits_sync_own(void)
{
    if (vmp_current)
        vmp_hits_sync(&vmp_current->hits);
}

void
vmp_hits_show(struct vmp_hits *hits)
{
    __atomic_store_n(&hits->head->counting,
                     hits->wanted || hits->mark ? VMPROF_COUNTING : 0,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&hits->head->candidates, vmp_interp.candidates,
                     __ATOMIC_RELAXED);
}

void
vmp_hits_set_mark(struct vmp_hits *hits, uint64_t mark)
{
    account(hits, hits->head->bytecode_countdown);
    vmp_interp_lock();
    hits->mark = mark;
    set_mode(hits);
    vmp_hits_show(hits);
    vmp_interp_unlock();
    hits->head->bytecode_countdown = reload(hits);
}

void
vmp_hits_attach(struct vmp_hits *hits, struct vmprof_thread *head)
{
    memset(hits, 0, sizeof(*hits));
    hits->head = head;
    hits->random = (uintptr_t)hits * UINT64_C(0x9e3779b97f4a7c15) ^
                   vmp_now_ns(CLOCK_MONOTONIC);
    hits->random |= 1;
    vmp_interp_lock();
    hits->wanted = vmp_interp.all;
    hits->generation = vmp_interp.generation;
    hits->restarts = vmp_interp.restarts;
    hits->epoch = atomic_load(&vmp_interp.epoch) - 1; /* it has yet to look */
    hits->next = vmp_interp.threads;
    hits->link = &vmp_interp.threads;
    if (hits->next)
        hits->next->link = &hits->next;
    vmp_interp.threads = hits;
    if (!vmp_interp.taken_mono_ns) {
        vmp_interp.taken_unix_ns = vmp_now_ns(CLOCK_REALTIME);
        vmp_interp.taken_mono_ns = vmp_now_ns(CLOCK_MONOTONIC);
    }
    vmp_hits_show(hits);
    vmp_interp_unlock();
}

void
vmp_hits_detach(struct vmp_hits *hits)
{
    vmp_callbacks_lock();
    vmp_interp_lock();
    *hits->link = hits->next;
    if (hits->next)
        hits->next->link = hits->link;
    hits->head->counting = 0;
    hits->head->hit_floor = 0;
    hits->head->hit_cells = NULL;
    vmp_hit_counters_take(&hits->counters, &vmp_interp.ended);
    vmp_table_take(&vmp_interp.ended, &hits->table);
    vmp_table_clear(&hits->table);
    free(hits->cells);
    vmp_hit_sites_free(&hits->sites);
    vmp_hit_counters_free(&hits->counters);
    memset(hits, 0, sizeof(*hits));
    vmp_interp_unlock();
    vmp_callbacks_unlock();
}

void
vmp_interp_leave_to_parent(struct vmp_hits *own)
{
    struct vmp_hits *next;

    vmp_interp.all = false;
    vmp_candidates_leave_to_parent();
    vmp_readout_leave_to_parent();
    vmp_interp.generation++;
    vmp_table_clear(&vmp_interp.ended);
    for (struct vmp_hits *h = vmp_interp.threads; h; h = next) {
        next = h->next;
        vmp_table_clear(&h->table);
        drop_all_cells(h);
        h->wanted = h->on = false;
        h->ran = h->mark = 0;
        vmp_hit_counters_drop(&h->counters);
        if (h != own) {
            free(h->cells);
            vmp_hit_sites_free(&h->sites);
            vmp_hit_counters_free(&h->counters);
        }
    }
    vmp_interp.threads = own;
    if (own) {
        own->next = NULL;
        own->link = &vmp_interp.threads;
        set_mode(own);
        vmp_hits_show(own);
    }
    vmp_interp_changed();
}
