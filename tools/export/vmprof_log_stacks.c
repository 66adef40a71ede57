/* SPDX-License-Identifier: MIT */

/* Codes and stacks of a vmprof log, each when it is needed first. */
#include "vmprof_log.h"

#include <errno.h>
#include <stdlib.h>
#include <vmprof/code.h>
#include <vmprof/stack.h>

enum {
    KIND_SHIFT = 56,
    FIRST_ID = 8, /* as an RPython VM's */
    ID_STEP = 4,
    UNKNOWN_CODE = 0,
};

static const struct code *
code_of_id(const struct profile *profile, uint64_t id)
{
    return &profile->codes[(id - FIRST_ID) / ID_STEP];
}

size_t
log_name_of(void *user, uint64_t id, char *buffer)
{
    const struct writing *writing = user;
    const struct code *code = code_of_id(&writing->job->profile, id);

    return (size_t)vmprof_format_name(buffer, VMPROF_NAME_SIZE, code->language,
                                      code->function, (long)code->line,
                                      code->file);
}

/* `address` is that of one of the function's frames. */
void
log_symbol_of(void *user, const struct vmp_module_info *module,
              uint64_t address, struct vmp_symbol *out)
{
    const struct writing *writing = user;
    const struct profile *profile = &writing->job->profile;
    const uint32_t index = profile->frames[address].code;
    const struct code *code = &profile->codes[index];
    const char *file = *code->file ? code->file : code->module;

    (void)module;
    out->start = writing->starts[index];
    out->scope = index;
    out->size = (size_t)vmprof_format_name(out->name, sizeof(out->name), "n",
                                           code->function, (long)code->line,
                                           *file ? file : "-");
}

int
log_find_starts(struct writing *writing)
{
    const struct profile *profile = &writing->job->profile;

    writing->starts =
        calloc((size_t)profile->code_count + 1, sizeof(*writing->starts));
    if (!writing->starts)
        return -ENOMEM;
    for (uint32_t i = 0; i < profile->frame_count; i++) {
        const struct frame *frame = &profile->frames[i];
        uint64_t *start = &writing->starts[frame->code];
        const uint64_t address =
            frame->offset + profile->modules[frame->module].bias;

        if (frame->is_machine_code && (!*start || address < *start))
            *start = address;
    }
    return 0;
}

/* The log has no frames of traces, but compiled code that says which it is. */
static uint64_t
kind_of(const struct frame *frame)
{
    switch (frame->kind) {
    case VMPROF_KIND_CODE:
        return 0;
    case FRAME_TRACE:
        return VMPROF_KIND_JITTED;
    }
    return frame->kind;
}

/* 0: it is in none that is known. */
static uint64_t
start_of_trace(const struct writing *writing, const struct frame *frame)
{
    const struct profile *profile = &writing->job->profile;

    if (frame->trace)
        return profile->traces.traces[frame->trace].code_start;
    return writing->losses.is_log && frame->kind == VMPROF_KIND_JITTED &&
                   frame->has_offset
               ? frame->offset
               : 0;
}

static int64_t
make_frame(struct writing *writing, uint32_t index)
{
    const struct profile *profile = &writing->job->profile;
    const struct frame *frame = &profile->frames[index];
    const uint64_t kind = kind_of(frame);
    const uint64_t id = frame->code == UNKNOWN_CODE || frame_is_gap(frame)
                            ? 0
                            : FIRST_ID + (uint64_t)frame->code * ID_STEP;
    /* One of a trace begins it; elsewhere an offset is a place in the code. */
    const uint64_t start = start_of_trace(writing, frame);
    const struct vmp_place place = {
        .offset = start,
        .line = frame->line,
        .has_offset = start != 0,
    };

    if (frame->is_machine_code)
        return vmp_encoder_address(writing->encoder, 0, index);
    if (!frame->kind)
        return 0; /* the outer frames were cut off */
    return vmp_encoder_frame(writing->encoder, id | kind << KIND_SHIFT, &place);
}

static int64_t
find_frame(struct writing *writing, uint32_t index)
{
    int64_t frame;

    if (writing->frames[index])
        return writing->frames[index] - 1;
    frame = make_frame(writing, index);
    if (frame >= 0)
        writing->frames[index] = (uint32_t)frame + 1;
    return frame;
}

/* A parent has a smaller number: from the root to here, each once. */
int64_t
log_find_node(struct writing *writing, uint32_t index)
{
    const struct profile *profile = &writing->job->profile;
    const uint32_t depth = profile->nodes[index].depth;
    uint32_t *path = calloc((size_t)depth + 1, sizeof(*path));
    uint32_t count = 0;
    int64_t node;

    if (!path)
        return -ENOMEM;
    for (; index && !writing->nodes[index];
         index = profile->nodes[index].parent)
        path[count++] = index;
    node = writing->nodes[index];
    while (count && node >= 0) {
        const struct node *from = &profile->nodes[path[--count]];
        const int64_t frame = find_frame(writing, from->frame);

        node = frame < 0 ? frame
                         : vmp_encoder_node(writing->encoder, (uint32_t)node,
                                            (uint32_t)frame);
        if (node >= 0)
            writing->nodes[path[count]] = (uint32_t)node;
    }
    free(path);
    return node;
}
