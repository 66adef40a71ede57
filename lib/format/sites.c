/* SPDX-License-Identifier: MIT */

#include "sites.h"

#include <assert.h>
#include <string.h>

#include "encoder_state.h"

enum {
    TUPLE_MAX = (2 + VMP_OPERANDS_MAX) * VMP_VARINT_MAX,
    SITE_HEAD_MAX = 11 * VMP_VARINT_MAX,
    KIND_SHIFT = 60,
};

int64_t
vmp_encoder_word(struct vmp_encoder *encoder, enum vmp_word_kind kind,
                 uint64_t id, const char *text)
{
    struct vmp_pending *const list = &encoder->new_words;
    const size_t size = strnlen(text, VMP_WORD_SIZE - 1);
    bool is_new;
    const int64_t word =
        vmp_intern(&encoder->words, (uint64_t)kind, id, &is_new);

    if (word < 0)
        return word;
    if (is_new) {
        if (!vmp_pending_fits(list, VMP_VARINT_MAX + VMP_WORD_SIZE))
            vmp_encoder_send_definitions(encoder);
        vmp_pending_put(list, size);
        memcpy(list->bytes + list->used, text, size);
        list->used += size;
        list->count++;
    }
    return word + 1;
}

void
vmp_encoder_begin_sites(struct vmp_encoder *encoder,
                        const struct vmp_readout *readout)
{
    struct vmp_pending *const rows = &encoder->sites;
    unsigned char *to = encoder->sites_head;

    to = vmp_put_varint(to, readout->time_ns / encoder->unit_ns);
    to = vmp_put_varint(to, readout->from_ns / encoder->unit_ns);
    to = vmp_put_varint(to, readout->period);
    to = vmp_put_varint(to, readout->jitter ? VMP_READOUT_HAS_JITTER : 0);
    encoder->sites_head_size = (size_t)(to - encoder->sites_head);
    rows->count = 0;
    rows->used = 0;
}

static uint32_t
bits_of(const struct vmp_site_info *site)
{
    if (!site->has_place)
        return 0;
    return VMP_SITE_HAS_PLACE | (site->line ? VMP_SITE_HAS_LINE : 0) |
           (site->opname ? VMP_SITE_HAS_OPNAME : 0) |
           (site->hash ? VMP_SITE_HAS_HASH : 0);
}

static void
put_place(struct vmp_pending *rows, const struct vmp_site_info *site)
{
    const uint32_t bits = bits_of(site);

    vmp_pending_put(rows, site->code / 4);
    vmp_pending_put(rows, bits);
    if (bits & VMP_SITE_HAS_PLACE) {
        vmp_pending_put(rows, site->offset);
        vmp_pending_put(rows, site->opcode);
    }
    if (bits & VMP_SITE_HAS_LINE)
        vmp_pending_put(rows, site->line);
    if (bits & VMP_SITE_HAS_OPNAME)
        vmp_pending_put(rows, site->opname);
    if (bits & VMP_SITE_HAS_HASH)
        vmp_pending_put(rows, site->hash);
}

static uint64_t
hits_of(const struct vmp_site_info *site)
{
    uint64_t hits = site->untyped + site->other;

    for (uint32_t i = 0; i < site->tuple_count; i++)
        hits += site->tuples[i].hits;
    return hits;
}

static void
put_tuple(struct vmp_pending *rows, const struct vmp_tuple_info *tuple)
{
    vmp_pending_put(rows, tuple->count);
    for (uint32_t i = 0; i < tuple->count; i++)
        vmp_pending_put(rows, tuple->words[i]);
    vmp_pending_put(rows, tuple->hits);
}

int
vmp_encoder_site(struct vmp_encoder *encoder, const struct vmp_site_info *site)
{
    struct vmp_pending *const rows = &encoder->sites;
    const size_t most = SITE_HEAD_MAX + site->tuple_count * TUPLE_MAX;
    int r, sent = 0;

    assert(site->tuple_count <= VMP_TUPLES_MAX);
    r = vmp_encoder_code(encoder, site->code, site->name);
    if (r < 0)
        return r;
    if (!vmp_pending_fits(rows, most))
        sent = vmp_encoder_finish_sites(encoder);
    put_place(rows, site);
    vmp_pending_put(rows, site->untyped);
    vmp_pending_put(rows, site->other);
    vmp_pending_put(rows, site->bytecodes - hits_of(site));
    vmp_pending_put(rows, site->tuple_count);
    for (uint32_t i = 0; i < site->tuple_count; i++)
        put_tuple(rows, &site->tuples[i]);
    rows->count++;
    return sent;
}

int
vmp_encoder_finish_sites(struct vmp_encoder *encoder)
{
    int defined, sent;

    if (!encoder->sites.count)
        return 0;
    defined = vmp_encoder_send_definitions(encoder);
    sent = vmp_encoder_send_list(encoder, &encoder->sites, VMP_CHUNK_SITES);
    return defined < 0 ? defined : sent;
}
