/* SPDX-License-Identifier: MIT */

/* What samples refer to: codes, frames, nodes and modules, each numbered, and
 * told to the format once, before its first use. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encoder_state.h"

enum {
    NAME_SIZE = 1024,
    KIND_SHIFT = 56,
};

static const uint64_t CODE_MASK = ((uint64_t)1 << KIND_SHIFT) - 1;

/* Whether a code has yet to be written, or -ENOMEM. */
static int
is_new_code(struct vmp_encoder *encoder, uint64_t id)
{
    bool is_new = false;
    const int64_t r = id ? vmp_intern(&encoder->codes, id, 0, &is_new) : 0;

    return (int)(r < 0 ? r : is_new);
}

int
vmp_encoder_define_code(struct vmp_encoder *encoder, uint64_t id)
{
    const int r = is_new_code(encoder, id);
    char name[NAME_SIZE];

    if (r > 0)
        encoder->encoding->code(encoder, id, name,
                                encoder->name_of(encoder->user, id, name));
    return r < 0 ? r : 0;
}

int
vmp_encoder_code(struct vmp_encoder *encoder, uint64_t id, const char *name)
{
    const int r = is_new_code(encoder, id);
    char copy[NAME_SIZE];
    size_t size;

    if (r > 0) {
        size = strnlen(name, NAME_SIZE - 1);
        memcpy(copy, name, size);
        encoder->encoding->code(encoder, id, copy, size);
    }
    return r < 0 ? r : 0;
}

int64_t
vmp_encoder_frame(struct vmp_encoder *encoder, uint64_t code,
                  const struct vmp_place *place)
{
    int64_t where = 0, frame = 0;
    bool is_new;

    if (place->line || place->has_offset) {
        /* An offset of 0 is not the same as none. */
        where =
            vmp_intern(&encoder->places, place->offset,
                       (uint64_t)place->line << 1 | place->has_offset, &is_new);
        if (where < 0)
            return where;
        where++;
    }
    if (code >> KIND_SHIFT != VMP_KIND_TRACE)
        frame = vmp_encoder_define_code(encoder, code & CODE_MASK);
    if (frame < 0)
        return frame;
    frame = vmp_intern(&encoder->frames, code, (uint64_t)where, &is_new);
    if (frame < 0)
        return frame;
    if (is_new)
        encoder->encoding->frame(encoder, code, place);
    return frame + 1;
}

int64_t
vmp_encoder_find_frame(struct vmp_encoder *encoder, uint64_t code, uint64_t key)
{
    const int64_t slot = vmp_intern_find(&encoder->keys, code, key);

    return slot < 0 ? slot : (int64_t)encoder->frame_of_key[slot];
}

static int
grow_keys(struct vmp_encoder *encoder)
{
    const uint32_t size =
        encoder->frame_of_key_size ? encoder->frame_of_key_size * 2 : 256;
    uint32_t *const grown =
        realloc(encoder->frame_of_key, size * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    encoder->frame_of_key = grown;
    encoder->frame_of_key_size = size;
    return 0;
}

int64_t
vmp_encoder_add_frame(struct vmp_encoder *encoder, uint64_t code, uint64_t key,
                      const struct vmp_place *place)
{
    const int64_t frame = vmp_encoder_frame(encoder, code, place);
    int64_t slot;
    bool is_new;

    if (frame < 0)
        return frame;
    if (encoder->keys.count >= encoder->frame_of_key_size &&
        grow_keys(encoder) < 0)
        return -ENOMEM;
    slot = vmp_intern(&encoder->keys, code, key, &is_new);
    if (slot < 0)
        return slot;
    encoder->frame_of_key[slot] = (uint32_t)frame;
    return frame;
}

int64_t
vmp_encoder_address(struct vmp_encoder *encoder, uint32_t module,
                    uint64_t address)
{
    /* Apart from frames of codes, whose ids are multiples of 4. */
    const uint64_t key =
        (uint64_t)VMP_KIND_ADDRESS << KIND_SHIFT | (uint64_t)module << 2 | 1;
    int64_t frame;
    bool is_new;

    if (!module && address &&
        encoder->addresses_of_no_module == VMP_MOST_ADDRESSES) {
        frame = vmp_intern_find(&encoder->frames, key, address);
        return frame < 0 ? -EOVERFLOW : frame + 1;
    }
    frame = vmp_intern(&encoder->frames, key, address, &is_new);
    if (frame < 0)
        return frame;
    if (is_new)
        encoder->encoding->address(encoder, module, address);
    encoder->addresses_of_no_module += is_new && !module && address;
    return frame + 1;
}

uint32_t
vmp_encoder_module(struct vmp_encoder *encoder,
                   const struct vmp_module_info *info)
{
    return encoder->encoding->module(encoder, info);
}

int64_t
vmp_encoder_node(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame)
{
    bool is_new;
    const int64_t node = vmp_intern(&encoder->nodes, parent, frame, &is_new);

    if (node < 0)
        return node;
    if (is_new)
        encoder->encoding->node(encoder, parent, frame);
    return node + 1;
}
