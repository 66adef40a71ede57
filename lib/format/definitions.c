/* SPDX-License-Identifier: MIT */

/* What samples refer to: codes, frames, nodes and modules, each written once
 * and before its first use. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encoder_state.h"

enum {
    NAME_SIZE = 1024,
    PATH_SIZE = 4096,
    BUILD_ID_SIZE = 64,
    KIND_SHIFT = 56,
    KIND_CODE = 1,
    CODE_MAX = 2 * VMP_VARINT_MAX + NAME_SIZE,
    FRAME_MAX = 4 * VMP_VARINT_MAX,
    NODE_MAX = 2 * VMP_VARINT_MAX,
    MODULE_MAX = 13 * VMP_VARINT_MAX + PATH_SIZE + BUILD_ID_SIZE,
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

static void
put_code(struct vmp_encoder *encoder, uint64_t id, const char *name,
         size_t size)
{
    if (!vmp_pending_fits(&encoder->new_codes, CODE_MAX))
        vmp_encoder_send_definitions(encoder);
    vmp_pending_put(&encoder->new_codes, id / 4);
    vmp_pending_put(&encoder->new_codes, size);
    memcpy(encoder->new_codes.bytes + encoder->new_codes.used, name, size);
    encoder->new_codes.used += size;
    encoder->new_codes.count++;
}

static int
define_code(struct vmp_encoder *encoder, uint64_t id)
{
    const int r = is_new_code(encoder, id);
    char name[NAME_SIZE];

    if (r > 0)
        put_code(encoder, id, name, encoder->name_of(encoder->user, id, name));
    return r < 0 ? r : 0;
}

int
vmp_encoder_code(struct vmp_encoder *encoder, uint64_t id, const char *name)
{
    const int r = is_new_code(encoder, id);

    if (r > 0)
        put_code(encoder, id, name, strnlen(name, NAME_SIZE - 1));
    return r < 0 ? r : 0;
}

static void
define_frame(struct vmp_encoder *encoder, uint64_t code,
             const struct vmp_place *place)
{
    struct vmp_pending *const list = &encoder->new_frames;
    const uint64_t kind = code >> KIND_SHIFT ? code >> KIND_SHIFT : KIND_CODE;

    if (!vmp_pending_fits(list, FRAME_MAX))
        vmp_encoder_send_definitions(encoder);
    vmp_pending_put(list, (code & CODE_MASK) / 4);
    vmp_pending_put(list, (kind & VMP_FRAME_KIND_MASK) |
                              (place->line ? VMP_FRAME_HAS_LINE : 0) |
                              (place->has_offset ? VMP_FRAME_HAS_OFFSET : 0));
    if (place->line)
        vmp_pending_put(list, place->line);
    if (place->has_offset)
        vmp_pending_put(list, place->offset);
    list->count++;
}

int64_t
vmp_encoder_frame(struct vmp_encoder *encoder, uint64_t code,
                  const struct vmp_place *place)
{
    int64_t where = 0, frame;
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
    frame = define_code(encoder, code & CODE_MASK);
    if (frame < 0)
        return frame;
    frame = vmp_intern(&encoder->frames, code, (uint64_t)where, &is_new);
    if (frame < 0)
        return frame;
    if (is_new)
        define_frame(encoder, code, place);
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
    struct vmp_pending *const list = &encoder->new_frames;
    /* Apart from frames of codes, whose ids are multiples of 4. */
    const uint64_t key =
        (uint64_t)VMP_KIND_ADDRESS << KIND_SHIFT | (uint64_t)module << 2 | 1;
    bool is_new;
    const int64_t frame = vmp_intern(&encoder->frames, key, address, &is_new);

    if (frame < 0)
        return frame;
    if (is_new) {
        if (!vmp_pending_fits(list, FRAME_MAX))
            vmp_encoder_send_definitions(encoder);
        vmp_pending_put(list, 0);
        vmp_pending_put(list, VMP_KIND_ADDRESS | VMP_FRAME_HAS_OFFSET |
                                  (module ? VMP_FRAME_HAS_MODULE : 0));
        vmp_pending_put(list, address);
        if (module)
            vmp_pending_put(list, module);
        list->count++;
    }
    return frame + 1;
}

static unsigned char *
put_number_field(unsigned char *to, unsigned key, uint64_t value)
{
    return value ? vmp_put_varint(vmp_put_varint(to, key), value) : to;
}

static unsigned char *
put_bytes_field(unsigned char *to, unsigned key, const void *bytes, size_t size)
{
    if (!size)
        return to;
    to = vmp_put_varint(vmp_put_varint(to, key), size);
    memcpy(to, bytes, size);
    return to + size;
}

uint32_t
vmp_encoder_module(struct vmp_encoder *encoder,
                   const struct vmp_module_info *info)
{
    struct vmp_pending *const list = &encoder->new_modules;
    const size_t id_size =
        info->build_id_size <= BUILD_ID_SIZE ? info->build_id_size : 0;
    unsigned char fields[MODULE_MAX], *to = fields;

    to = put_bytes_field(to, VMP_MODULE_PATH, info->path,
                         strnlen(info->path, PATH_SIZE));
    to = put_bytes_field(to, VMP_MODULE_BUILD_ID, info->build_id, id_size);
    to = put_number_field(to, VMP_MODULE_START, info->start);
    to = put_number_field(to, VMP_MODULE_SIZE, info->size);
    to = put_number_field(to, VMP_MODULE_OFFSET, info->offset);
    to = put_number_field(to, VMP_MODULE_BIAS, info->bias);

    if (!vmp_pending_fits(list, MODULE_MAX))
        vmp_encoder_send_definitions(encoder);
    vmp_pending_put(list, (uint64_t)(to - fields));
    memcpy(list->bytes + list->used, fields, (size_t)(to - fields));
    list->used += (size_t)(to - fields);
    list->count++;
    return list->first + list->count - 1;
}

int64_t
vmp_encoder_node(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame)
{
    struct vmp_pending *const list = &encoder->new_nodes;
    bool is_new;
    const int64_t node = vmp_intern(&encoder->nodes, parent, frame, &is_new);

    if (node < 0)
        return node;
    if (is_new) {
        if (!vmp_pending_fits(list, NODE_MAX))
            vmp_encoder_send_definitions(encoder);
        vmp_pending_put(list, (uint64_t)node + 1 - parent);
        vmp_pending_put(list, frame);
        list->count++;
    }
    return node + 1;
}
