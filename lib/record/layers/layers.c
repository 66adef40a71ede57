/* SPDX-License-Identifier: MIT */

/* Layers as they come and go, and their records. */

#include "layers.h"

#include <errno.h>
#include <stdlib.h>

#include "../../sized.h"
#include "../lock.h"
#include "../thread.h"

enum {
    USUAL_ROWS = 1 << 17,
    MOST_ROWS = 1 << 24,
};

#define OPTIONS_SIZE_0_1 VMP_SIZE_UP_TO(vmprof_layer_options, no_times)
#define INFO_SIZE_0_1    VMP_SIZE_UP_TO(vmprof_layer_info, abandoned)

static struct vmp_lock lock = { .mutex = PTHREAD_MUTEX_INITIALIZER };

struct vmp_layers vmp_layers;

void
vmp_layers_lock(void)
{
    vmp_lock(&lock);
}

void
vmp_layers_unlock(void)
{
    vmp_unlock(&lock);
}

static void
free_record(struct vmp_layer_record *record)
{
    if (record->is_parents)
        return;
    if (record->layer->kind->end)
        record->layer->kind->end(record);
    vmp_tally_free(&record->tally);
    free(record);
}

static void
free_layer(struct vmprof_layer *layer)
{
    while (layer->records) {
        struct vmp_layer_record *const next = layer->records->next;

        free_record(layer->records);
        layer->records = next;
    }
    if (layer->kind->close)
        layer->kind->close(layer);
    free(layer);
}

/* A record that no thread has, or a new one. Under the lock. */
static struct vmp_layer_record *
take_record(struct vmprof_layer *layer)
{
    struct vmp_layer_record *record = layer->records;

    while (record && record->is_used)
        record = record->next;
    if (!record) {
        record = calloc(1, layer->kind->record_size);
        if (!record)
            return NULL;
        record->layer = layer;
        record->tally.budget = &layer->budget;
        record->next = layer->records;
        layer->records = record;
    }
    record->is_used = true;
    if (layer->kind->begin)
        layer->kind->begin(record);
    return record;
}

struct vmp_layer_record *
vmp_layer_record(struct vmprof_layer *layer, struct vmprof_thread *thread)
{
    struct vmp_thread_events *const own =
        &((struct vmp_thread *)thread)->events;
    struct vmp_layer_record *record =
        atomic_load_explicit(&own->layers[layer->slot], memory_order_relaxed);

    if (record)
        return record;
    vmp_layers_lock();
    /* Another thread may have made it meanwhile. */
    record = atomic_load(&own->layers[layer->slot]);
    if (!record)
        record = take_record(layer);
    atomic_store(&own->layers[layer->slot], record);
    vmp_layers_unlock();
    if (!record)
        atomic_fetch_add(&layer->budget.lost, 1);
    return record;
}

struct vmp_layer_record *
vmp_layer_record_if(struct vmprof_layer *layer, struct vmprof_thread *thread)
{
    struct vmp_layer_record *record = NULL;

    vmp_events_lock();
    for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
        if (t->head == thread)
            record = atomic_load(&t->layers[layer->slot]);
    vmp_events_unlock();
    /* A slot is another tool's once somebody has taken this one's away. */
    return record && record->layer == layer ? record : NULL;
}

int
vmp_layer_record_of(struct vmprof_layer *layer, struct vmprof_thread *thread,
                    struct vmp_layer_record **out)
{
    int r = -ESRCH;

    vmp_events_lock();
    for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
        if (t->head == thread) {
            *out = atomic_load(&t->layers[layer->slot]);
            if (!*out)
                *out = take_record(layer);
            atomic_store(&t->layers[layer->slot], *out);
            r = !*out ? -ENOMEM : (*out)->layer == layer ? 0 : -ENOENT;
        }
    vmp_events_unlock();
    return r;
}

struct vmprof_layer *
vmp_layer_of_tool(vmprof_tool tool, const struct vmp_layer_kind *kind)
{
    struct vmprof_layer *layer = vmp_layers.first;

    while (layer && (layer->tool != tool || layer->kind != kind))
        layer = layer->next;
    return layer;
}

static void
give_back(struct vmp_layer_record *record)
{
    if (record->layer->kind->end)
        record->layer->kind->end(record);
    record->is_used = false;
}

void
vmp_layers_settle(struct vmp_thread_events *own)
{
    vmp_layers_lock();
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++) {
        struct vmp_layer_record *const record = atomic_load(&own->layers[i]);

        if (record && record->layer->kind->settle)
            record->layer->kind->settle(record);
    }
    vmp_layers_unlock();
}

void
vmp_layers_detach(struct vmp_thread_events *events)
{
    vmp_layers_lock();
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++) {
        struct vmp_layer_record *const record =
            atomic_exchange(&events->layers[i], NULL);

        if (record)
            give_back(record);
    }
    vmp_events_detach(events);
    vmp_layers_unlock();
}

static bool
has_other_in_profile(const struct vmp_layer_kind *kind)
{
    for (struct vmprof_layer *l = vmp_layers.first; l; l = l->next)
        if (l->kind == kind && l->in_profile && !l->is_ending)
            return true;
    return false;
}

static void
unlink_layer(struct vmprof_layer *layer)
{
    struct vmprof_layer **at = &vmp_layers.first;

    while (*at != layer)
        at = &(*at)->next;
    *at = layer->next;
}

/* Into the list: from now on it is read. */
static int
add(struct vmprof_layer *layer)
{
    if (layer->in_profile && has_other_in_profile(layer->kind))
        return -EBUSY;
    if (layer->kind->is_shared && !take_record(layer))
        return -ENOMEM;
    layer->next = vmp_layers.first;
    vmp_layers.first = layer;
    return 0;
}

void
vmp_layer_drop(struct vmprof_layer *layer)
{
    unlink_layer(layer);
    free_layer(layer);
}

static int
start(struct vmprof_layer *layer, const char *name, int64_t priority)
{
    struct vmprof_tool_callbacks callbacks;
    int r;

    vmprof_tool_callbacks_init(&callbacks);
    callbacks.user = layer;
    callbacks.event = layer->kind->event;
    callbacks.priority = priority;
    r = vmprof_register_tool(name ? name : layer->kind->name, &callbacks,
                             &layer->tool);
    if (r < 0)
        return r;
    /* Before the first event, which comes when it is asked for. */
    layer->slot = vmp_events_slot(layer->tool);
    return vmp_events_set(layer->tool, layer->events);
}

/* Under the lock: a child of a fork has the layer with its tool, and its creator
 * knows it, or nothing of it. */
static int
add_and_start(struct vmprof_layer *layer,
              const struct vmprof_layer_options *options,
              struct vmprof_layer **out)
{
    int r = add(layer);

    if (r < 0)
        return r;
    r = start(layer, options->name, options->priority);
    if (r < 0)
        unlink_layer(layer);
    else
        *out = layer;
    return r;
}

static int
check(const struct vmp_layer_kind *kind,
      const struct vmprof_layer_options *options)
{
    return options->events & ~kind->possible || options->most > MOST_ROWS ||
                   options->in_profile > 1 || options->no_times > 1
               ? -EINVAL
               : 0;
}

int
vmp_layer_new(const struct vmp_layer_kind *kind,
              const struct vmprof_layer_options *given,
              struct vmprof_layer **out)
{
    struct vmprof_layer_options options = { 0 };
    struct vmprof_layer *layer;
    int r = 0;

    if (given)
        r = vmp_sized_import(&options, sizeof(options), OPTIONS_SIZE_0_1,
                             given);
    if (r == 0)
        r = check(kind, &options);
    if (r < 0)
        return r;
    layer = calloc(1, kind->layer_size ? kind->layer_size : sizeof(*layer));
    if (!layer)
        return -ENOMEM;
    layer->kind = kind;
    layer->events = options.events ? options.events : kind->usual;
    layer->in_profile = options.in_profile;
    layer->has_times = !options.no_times;
    layer->budget.most = options.most ? options.most : USUAL_ROWS;
    vmp_layers_lock();
    r = add_and_start(layer, &options, out);
    vmp_layers_unlock();
    if (r < 0)
        free_layer(layer);
    else
        vmp_events_tell();
    return r;
}

void
vmp_layer_forget_records(struct vmprof_layer *layer)
{
    for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
        for (struct vmp_layer_record *r = layer->records; r; r = r->next) {
            struct vmp_layer_record *expected = r;

            /* The slot may be another tool's by now. */
            atomic_compare_exchange_strong(&t->layers[layer->slot], &expected,
                                           NULL);
        }
}

/* Who has taken it away before may have done so in a callback, or be still waiting
 * for those that run. */
static void
stop(struct vmprof_layer *layer)
{
    uint64_t bits = (uint64_t)1 << layer->slot;

    vmp_layers_lock();
    vmp_events_forget(layer->tool, &bits);
    layer->is_going = true;
    vmp_layers_unlock();
    vmp_events_await(bits);
}

void
vmprof_free_layer(struct vmprof_layer *layer)
{
    if (!layer)
        return;
    stop(layer);
    vmp_layers_lock();
    vmp_events_lock();
    vmp_layer_forget_records(layer);
    vmp_events_unlock();
    layer->is_going = false;
    layer->is_ending = vmp_layers.has_file && layer->in_profile;
    if (!layer->is_ending)
        vmp_layer_drop(layer);
    vmp_layers_unlock();
    vmp_events_tell();
}

static uint64_t
count_rows(const struct vmprof_layer *layer)
{
    uint64_t rows = 0;

    for (const struct vmp_layer_record *r = layer->records; r; r = r->next)
        rows += vmp_tally_count(&r->tally);
    return rows;
}

int
vmprof_get_layer_info(struct vmprof_layer *layer, struct vmprof_layer_info *out)
{
    struct vmprof_layer_info info = { .size = out->size };

    vmp_layers_lock();
    info.tool = layer->tool;
    info.rows = count_rows(layer);
    info.lost = atomic_load(&layer->budget.lost);
    info.unmatched = atomic_load(&layer->unmatched);
    info.abandoned = atomic_load(&layer->abandoned);
    vmp_layers_unlock();
    return vmp_sized_export(out, sizeof(info), INFO_SIZE_0_1, &info);
}

static bool
add_up(struct vmp_tally *sums, const struct vmp_tally *tally)
{
    const uint32_t count = vmp_tally_count(tally);

    for (uint32_t i = 0; i < count; i++) {
        struct vmp_entry *const from = vmp_tally_entry(tally, i);
        struct vmp_entry *const to = vmp_tally_at(sums, from->a, from->b);

        if (!to)
            return false;
        for (unsigned v = 0; v < VMP_TALLY_VALUES; v++)
            to->values[v] +=
                __atomic_load_n(&from->values[v], __ATOMIC_RELAXED);
    }
    return true;
}

static bool
sum_up(struct vmprof_layer *layer, struct vmp_tally *sums)
{
    bool is_whole = true;

    vmp_layers_lock();
    for (struct vmp_layer_record *r = layer->records; r && is_whole;
         r = r->next)
        is_whole = add_up(sums, &r->tally);
    vmp_layers_unlock();
    return is_whole;
}

int
vmp_by_key(const void *a, const void *b)
{
    const struct vmp_entry *const x = a, *const y = b;

    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

int
vmp_layer_rows(struct vmprof_layer *layer, const struct vmp_layer_kind *kind,
               int (*compare)(const void *, const void *),
               struct vmp_entry **out, uint32_t *count)
{
    struct vmp_budget budget = { .most = UINT64_MAX };
    struct vmp_tally sums = { .budget = &budget };
    struct vmp_entry *rows;

    if (!layer || layer->kind != kind)
        return -EINVAL;
    rows = sum_up(layer, &sums)
               ? calloc((size_t)vmp_tally_count(&sums) + 1, sizeof(*rows))
               : NULL;
    if (rows) {
        *count = vmp_tally_count(&sums);
        for (uint32_t i = 0; i < *count; i++)
            rows[i] = *vmp_tally_entry(&sums, i);
        qsort(rows, *count, sizeof(*rows), compare);
        *out = rows;
    }
    vmp_tally_free(&sums);
    return rows ? 0 : -ENOMEM;
}
