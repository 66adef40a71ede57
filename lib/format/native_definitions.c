/* SPDX-License-Identifier: MIT */

/* Definitions in the native format: lists of them, until they are sent. */

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

void
vmp_native_code(struct vmp_encoder *encoder, uint64_t id, char *name,
                size_t size)
{
    struct vmp_pending *const list = &encoder->new_codes;

    if (!vmp_pending_fits(list, CODE_MAX))
        vmp_encoder_send_definitions(encoder);
    vmp_pending_put(list, id / 4);
    vmp_pending_put(list, size);
    memcpy(list->bytes + list->used, name, size);
    list->used += size;
    list->count++;
}

void
vmp_native_frame(struct vmp_encoder *encoder, uint64_t code,
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

void
vmp_native_address(struct vmp_encoder *encoder, uint32_t module,
                   uint64_t address)
{
    struct vmp_pending *const list = &encoder->new_frames;

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
vmp_native_module(struct vmp_encoder *encoder,
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

void
vmp_native_node(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame)
{
    struct vmp_pending *const list = &encoder->new_nodes;

    if (!vmp_pending_fits(list, NODE_MAX))
        vmp_encoder_send_definitions(encoder);
    vmp_pending_put(list, (uint64_t)list->first + list->count - parent);
    vmp_pending_put(list, frame);
    list->count++;
}
