/* SPDX-License-Identifier: MIT */

/* How a thread counts: what is set for it, and what it makes of that. */

#include "hits.h"

#include <stdlib.h>
#include <string.h>

#include "../code.h"
#include "../thread.h"
#include "candidates.h"
#include "countdown.h"
#include "readout.h"
#include "settings.h"

void
vmp_hits_drop_all(struct vmp_hits *hits)
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
    hits->left = vmp_countdown_draw(hits) - (int64_t)hits->ran;
}

void
vmp_hits_look(struct vmp_hits *hits)
{
    vmp_interp_lock();
    /* Pairs with vmp_interp_changed(). */
    hits->epoch = atomic_load_explicit(&vmp_interp.epoch, memory_order_acquire);
    set_period(hits);
    hits->on = hits->wanted;
    if (hits->generation != vmp_interp.generation) {
        hits->generation = vmp_interp.generation;
        vmp_hits_drop_all(hits);
        vmp_table_tidy(&hits->table);
    }
    if (hits->mark && !vmp_candidate_is_there(hits->mark)) {
        hits->mark = 0;
        vmp_hits_show(hits);
    }
    set_mode(hits);
    vmp_interp_unlock();
}

void
vmp_hits_sync(struct vmp_hits *hits)
{
    vmp_countdown_account(hits, hits->head->bytecode_countdown);
    vmp_hits_look(hits);
    hits->head->bytecode_countdown = vmp_countdown_reload(hits);
}

void
vmprof_look_at_counts(struct vmprof_thread *thread)
{
    struct vmp_hits *hits;

    if (!thread)
        return;
    hits = &((struct vmp_thread *)thread)->hits;
    if (vmp_hits_are_late(hits))
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
    vmp_countdown_account(hits, hits->head->bytecode_countdown);
    vmp_interp_lock();
    hits->mark = mark;
    set_mode(hits);
    vmp_hits_show(hits);
    vmp_interp_unlock();
    hits->head->bytecode_countdown = vmp_countdown_reload(hits);
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
        vmp_hits_drop_all(h);
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
