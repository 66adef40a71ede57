/* SPDX-License-Identifier: MIT */

/* Who asks for profiles: the program, and the session's file. */

#include "readout.h"

#include <stdatomic.h>

#include "../../format/sites.h"
#include "../code.h"
#include "classes.h"
#include "collect.h"
#include "hits.h"
#include "profile.h"
#include "settings.h"

/* What the program has taken and the writer is yet to write; under the lock. */
static struct vmprof_type_profile *queue;
static bool is_recording;

void
vmp_readout_open(void)
{
    vmp_interp_lock();
    is_recording = true;
    vmp_interp_unlock();
}

static struct vmprof_type_profile *
take_queue(bool recording)
{
    struct vmprof_type_profile *taken;

    vmp_interp_lock();
    taken = queue;
    queue = NULL;
    is_recording = recording;
    vmp_interp_unlock();
    return taken;
}

static void
write_all(struct vmprof_type_profile *list, struct vmp_encoder *encoder,
          uint64_t start_ns)
{
    while (list) {
        struct vmprof_type_profile *const next = list->next;

        vmp_profile_encode(list, encoder, start_ns);
        vmprof_free_type_profile(list);
        list = next;
    }
}

void
vmp_readout_write(struct vmp_encoder *encoder, uint64_t start_ns)
{
    write_all(take_queue(true), encoder, start_ns);
}

void
vmp_readout_close(struct vmp_encoder *encoder, uint64_t start_ns)
{
    struct vmprof_type_profile *last;

    write_all(take_queue(false), encoder, start_ns);
    if (vmp_profile_take(&last, false) < 0)
        return;
    if (last->info.hits)
        vmp_profile_encode(last, encoder, start_ns);
    vmprof_free_type_profile(last);
}

void
vmp_readout_leave_to_parent(void)
{
    queue = NULL;
    is_recording = false;
}

static void
record(struct vmprof_type_profile *profile)
{
    struct vmprof_type_profile **end = &queue;

    vmp_interp_lock();
    if (is_recording && profile->info.hits) {
        while (*end)
            end = &(*end)->next;
        *end = profile;
        atomic_fetch_add(&profile->users, 1);
    }
    vmp_interp_unlock();
}

int
vmprof_get_and_clear_type_profiles(struct vmprof_type_profile **out)
{
    const int r = vmp_profile_take(out, true);

    vmp_hits_sync_own();
    if (r == 0)
        record(*out);
    return r;
}

int
vmprof_clear_type_profiles(void)
{
    struct vmp_collected dropped;
    int r;

    vmp_callbacks_lock();
    r = vmp_collect(&dropped);
    if (r == 0) {
        vmp_interp_lock();
        vmp_interp.restarts++;
        vmp_interp_changed();
        vmp_interp_unlock();
        vmp_collected_free(&dropped);
    }
    vmp_callbacks_unlock();
    vmp_hits_sync_own();
    return r;
}

static uint32_t
word(struct vmp_encoder *encoder, enum vmp_word_kind kind, uint64_t id,
     const char *text)
{
    const int64_t index = vmp_encoder_word(encoder, kind, id, text);

    return index < 0 ? 0 : (uint32_t)index;
}

static void
encode_row(const struct vmprof_type_row *row,
           const struct vmp_interp_class *functions,
           struct vmp_encoder *encoder)
{
    struct vmp_tuple_info tuples[VMP_TUPLES_MAX];
    struct vmp_site_info site = {
        .code = row->code,
        .name = row->name,
        .has_place = row->has_place,
        .offset = row->offset,
        .opcode = row->opcode,
        .line = row->line,
        .hash = row->hash,
        .untyped = row->untyped,
        .other = row->other,
        .bytecodes = row->bytecodes,
        .tuple_count = (uint32_t)row->tuple_count,
        .tuples = tuples,
    };

    if (row->opcode_name)
        site.opname =
            word(encoder, VMP_WORD_OPCODE,
                 functions->number << 32 | row->opcode, row->opcode_name);
    for (uint32_t i = 0; i < site.tuple_count; i++) {
        const struct vmprof_type_tuple *const tuple = &row->tuples[i];

        tuples[i].hits = tuple->hits;
        tuples[i].count = (uint32_t)tuple->count;
        for (uint32_t j = 0; j < tuple->count; j++)
            tuples[i].words[j] = tuple->types[j]
                                     ? word(encoder, VMP_WORD_TYPE,
                                            tuple->types[j], tuple->names[j])
                                     : 0;
    }
    vmp_encoder_site(encoder, &site);
}

static uint64_t
since(uint64_t start_ns, uint64_t time_ns)
{
    return time_ns > start_ns ? time_ns - start_ns : 0;
}

void
vmp_profile_encode(const struct vmprof_type_profile *profile,
                   struct vmp_encoder *encoder, uint64_t start_ns)
{
    const struct vmp_readout readout = {
        .time_ns = since(start_ns, profile->until_mono_ns),
        .from_ns = since(start_ns, profile->from_mono_ns),
        .period = profile->info.period,
        .jitter = profile->info.jitter,
    };

    vmp_encoder_begin_sites(encoder, &readout);
    for (uint64_t i = 0; i < profile->info.rows; i++)
        encode_row(&profile->rows[i], profile->classes[i], encoder);
    vmp_encoder_finish_sites(encoder);
}
