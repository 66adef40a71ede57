/* SPDX-License-Identifier: MIT */

/* Chunks CODES, FRAMES, MODULES and NODES, and the stacks of them. */

#include "decode_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    CUT_FRAME = 0,
};

const char *
decoded_name(const struct decoded *d, uint64_t id)
{
    for (size_t i = 0; i < d->code_count; i++)
        if (d->codes[i].id == id)
            return d->codes[i].name;
    return NULL;
}

static unsigned
count_of(const char *text, char wanted)
{
    unsigned count = 0;

    for (; *text; text++)
        count += *text == wanted;
    return count;
}

void
decode_codes(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;

    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        const uint64_t id = decode_varint(c) * 4;
        char *const name = decode_string(c);

        decode_need(c, name && count_of(name, ':') == 3,
                    "a name without 3 colons");
        decode_need(c, id != 0, "a code with the id 0");
        if (c->bad) {
            free(name);
            return;
        }
        d->codes = decode_grow(d->codes, d->code_count, sizeof(*d->codes));
        d->codes[d->code_count++] = (struct decoded_code){ id, name };
    }
}

void
decode_frames(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = decode_varint(c);

    decode_need(c, first == d->frame_count, "frames are not numbered in a row");
    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        struct decoded_frame frame = { .code = decode_varint(c) * 4 };
        const uint64_t bits = decode_varint(c);

        frame.kind = bits & 15;
        frame.line = bits & 16 ? decode_varint(c) : 0;
        frame.has_offset = !!(bits & 32);
        frame.offset = bits & 32 ? decode_varint(c) : 0;
        frame.module = bits & 64 ? decode_varint(c) : 0;
        decode_need(c, bits < 128, "a frame with unknown bits");
        decode_need(c, frame.kind >= 1 && frame.kind <= 10,
                    "a kind that is none");
        decode_need(c,
                    frame.kind == 10 ? bits & 32 && !frame.code : !(bits & 64),
                    "a module or a code that does not fit the kind");
        decode_need(
            c, frame.module < d->module_count && (!(bits & 64) || frame.module),
            "a frame of an undefined module");
        decode_need(c, frame.kind != 6 || decoded_trace(d, frame.code / 4),
                    "a frame of an undefined trace");
        d->frames = decode_grow(d->frames, d->frame_count, sizeof(frame));
        d->frames[d->frame_count++] = frame;
    }
}

void
decode_modules(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = decode_varint(c);

    decode_need(c, first == d->module_count,
                "modules are not numbered in a row");
    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        const uint64_t size = decode_varint(c);
        struct decode_cursor entry = *c;

        decode_need(c, size <= (uint64_t)(c->end - c->at),
                    "a module is cut off");
        if (c->bad)
            return;
        entry.end = c->at = c->at + size;
        d->modules =
            decode_grow(d->modules, d->module_count, sizeof(*d->modules));
        memset(&d->modules[d->module_count], 0, sizeof(*d->modules));
        decode_fields(&entry, &d->modules[d->module_count++]);
        c->bad = entry.bad;
    }
}

void
decode_nodes(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = decode_varint(c);

    decode_need(c, first == d->node_count, "nodes are not numbered in a row");
    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        const uint64_t distance = decode_varint(c), frame = decode_varint(c);

        decode_need(c, distance >= 1 && distance <= d->node_count,
                    "a node without a parent");
        decode_need(c, frame < d->frame_count, "a node of an undefined frame");
        decode_need(c, frame != CUT_FRAME || distance == d->node_count,
                    "the cut frame stands on another");
        if (c->bad)
            return;
        d->nodes = decode_grow(d->nodes, d->node_count, sizeof(*d->nodes));
        d->nodes[d->node_count] =
            (struct decoded_node){ (uint32_t)(d->node_count - distance),
                                   (uint32_t)frame };
        d->node_count++;
    }
}

size_t
decoded_stack(const struct decoded *d, uint32_t node, uint32_t *frames,
              size_t max)
{
    size_t depth = 0;

    for (uint32_t n = node; n; n = d->nodes[n].parent)
        depth++;
    for (size_t i = depth; node; node = d->nodes[node].parent)
        if (--i < max)
            frames[i] = d->nodes[node].frame;
    return depth;
}
