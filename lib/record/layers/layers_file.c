/* SPDX-License-Identifier: MIT */

/* What of layers goes into the session's file. */

#include "layers.h"

static void
for_all_entries(struct vmprof_layer *layer,
                void (*act)(struct vmp_entry *entry))
{
    for (struct vmp_layer_record *r = layer->records; r; r = r->next) {
        const uint32_t count = vmp_tally_count(&r->tally);

        for (uint32_t i = 0; i < count; i++)
            act(vmp_tally_entry(&r->tally, i));
    }
}

static void
set_unwritten(struct vmp_entry *entry)
{
    for (unsigned v = 0; v < VMP_TALLY_VALUES; v++)
        entry->written[v] = UINT64_MAX;
}

static void
set_written(struct vmp_entry *entry)
{
    for (unsigned v = 0; v < VMP_TALLY_VALUES; v++)
        entry->written[v] = entry->values[v];
}

void
vmp_layers_open(void)
{
    vmp_layers_lock();
    vmp_layers.has_file = true;
    for (struct vmprof_layer *l = vmp_layers.first; l; l = l->next) {
        for (struct vmp_layer_record *r = l->records; r; r = r->next)
            r->tally.named = 0;
        if (l->kind->is_repeated)
            for_all_entries(l, set_unwritten);
    }
    vmp_layers_unlock();
}

static void
free_ending(void)
{
    struct vmprof_layer *next;

    for (struct vmprof_layer *l = vmp_layers.first; l; l = next) {
        next = l->next;
        if (l->is_ending)
            vmp_layer_drop(l);
    }
}

void
vmp_layers_close(void)
{
    vmp_layers_lock();
    vmp_layers.has_file = false;
    free_ending();
    vmp_layers_unlock();
}

static void
name_codes(struct vmp_encoder *encoder, const struct vmp_layer_kind *kind,
           struct vmp_tally *tally)
{
    const uint32_t count = vmp_tally_count(tally);

    for (; tally->named < count; tally->named++) {
        const struct vmp_entry *const entry =
            vmp_tally_entry(tally, tally->named);

        vmp_encoder_name_code(encoder, entry->a);
        if (kind->b_is_code)
            vmp_encoder_name_code(encoder, entry->b);
    }
}

void
vmp_layers_name(struct vmp_encoder *encoder)
{
    vmp_layers_lock();
    for (struct vmprof_layer *l = vmp_layers.first; l; l = l->next)
        for (struct vmp_layer_record *r = l->records; r && l->in_profile;
             r = r->next)
            name_codes(encoder, l->kind, &r->tally);
    vmp_layers_unlock();
}

/* What is new of an entry. */
static bool
take_news(struct vmp_entry *entry, bool is_repeated, struct vmp_layer_row *row)
{
    bool is_new = false;

    row->a = entry->a;
    row->b = entry->b;
    for (unsigned v = 0; v < VMP_TALLY_VALUES; v++) {
        const uint64_t value =
            __atomic_load_n(&entry->values[v], __ATOMIC_RELAXED);

        is_new = is_new || value != entry->written[v];
        row->values[v] = is_repeated ? value : value - entry->written[v];
        entry->written[v] = value;
    }
    return is_new;
}

static void
take_losses(struct vmprof_layer *layer, uint64_t losses[VMP_ROWS_LOSSES])
{
    const uint64_t now[VMP_ROWS_LOSSES] = {
        atomic_load(&layer->budget.lost),
        atomic_load(&layer->unmatched),
        atomic_load(&layer->abandoned),
    };

    for (unsigned i = 0; i < VMP_ROWS_LOSSES; i++) {
        losses[i] = now[i] - layer->written[i];
        layer->written[i] = now[i];
    }
}

static void
write_layer(struct vmprof_layer *layer, struct vmp_encoder *encoder,
            uint64_t time_ns)
{
    uint64_t losses[VMP_ROWS_LOSSES];

    take_losses(layer, losses);
    vmp_encoder_begin_rows(encoder, layer->kind->rows, time_ns, losses);
    for (struct vmp_layer_record *r = layer->records; r; r = r->next) {
        const uint32_t count = vmp_tally_count(&r->tally);
        struct vmp_layer_row row;

        for (uint32_t i = 0; i < count; i++)
            if (take_news(vmp_tally_entry(&r->tally, i),
                          layer->kind->is_repeated, &row))
                vmp_encoder_row(encoder, &row);
    }
    vmp_encoder_finish_rows(encoder);
}

void
vmp_layers_write(struct vmp_encoder *encoder, uint64_t time_ns)
{
    vmp_layers_lock();
    for (struct vmprof_layer *l = vmp_layers.first; l; l = l->next)
        if (l->in_profile)
            write_layer(l, encoder, time_ns);
    free_ending();
    vmp_layers_unlock();
}

/* That the child's only thread would not come to free: another was about to. One
 * whose callback has forked is still used when that goes on, and stays. */
static void
free_going(const struct vmp_thread_events *own)
{
    const uint64_t running = own ? atomic_load(&own->at) : 0;
    struct vmprof_layer *next;

    for (struct vmprof_layer *l = vmp_layers.first; l; l = next) {
        next = l->next;
        if (!l->is_going || running >> l->slot & 1)
            continue;
        vmp_layer_forget_records(l);
        vmp_layer_drop(l);
    }
}

void
vmp_layers_leave_to_parent(struct vmp_thread_events *own)
{
    vmp_layers.has_file = false;
    free_ending();
    for (struct vmprof_layer *l = vmp_layers.first; l; l = l->next) {
        uint64_t losses[VMP_ROWS_LOSSES];

        take_losses(l, losses);
        for_all_entries(l, set_written);
        for (struct vmp_layer_record *r = l->records; r; r = r->next)
            r->is_parents = r->is_used && !l->kind->is_shared &&
                            (!own || atomic_load(&own->layers[l->slot]) != r);
    }
    /* Only now: their records may be in the middle of a change, too. */
    free_going(own);
}
