/* SPDX-License-Identifier: MIT */

#include "told.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../format/utf8.h"
#include "../../sized.h"

enum {
    TRACE_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_trace, operation_count),
    MOST_ENTRIES = 1 << 20, /* of a list */
    ALL_EMITS = VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT | VMPROF_EMIT_EVENT,
};

/* Offsets say where in the machine code; without any, they are the VM's. */
static bool
is_inside(const struct vmprof_trace *trace, uint64_t offset)
{
    return !trace->address || offset <= trace->length;
}

static bool
check_head(const struct vmprof_trace *trace)
{
    if (trace->kind < VMPROF_TRACE_LOOP || trace->kind > VMPROF_TRACE_STUB ||
        trace->end > VMPROF_END_INTERPRETER ||
        trace->frame > VMPROF_TRACE_FRAME_POINTER ||
        trace->emits & ~(uint32_t)ALL_EMITS ||
        !is_inside(trace, trace->loop_offset))
        return false;
    if (!trace->address)
        return true;
    return trace->length > 0 && trace->length <= UINT32_MAX &&
           (uintptr_t)trace->address + (uintptr_t)trace->length >
               (uintptr_t)trace->address;
}

static bool
check_places(const struct vmprof_trace *trace)
{
    if (trace->place_count > MOST_ENTRIES ||
        (trace->place_count && !trace->places))
        return false;
    for (uint64_t i = 0; i < trace->place_count; i++)
        if (trace->places[i].parent > i)
            return false;
    return true;
}

static bool
check_positions(const struct vmprof_trace *trace)
{
    uint32_t before = 0;

    if (trace->position_count > MOST_ENTRIES ||
        (trace->position_count && !trace->positions))
        return false;
    for (uint64_t i = 0; i < trace->position_count; i++) {
        const struct vmprof_trace_position *const at = &trace->positions[i];

        if (at->offset < before || !is_inside(trace, at->offset) ||
            at->place >= trace->place_count)
            return false;
        before = at->offset;
    }
    return true;
}

static bool
check_guards(const struct vmprof_trace *trace, uint64_t reserved)
{
    if (trace->guard_count != reserved || (reserved && !trace->guards))
        return false;
    for (uint64_t i = 0; i < trace->guard_count; i++)
        if (!is_inside(trace, trace->guards[i].offset) ||
            trace->guards[i].place > trace->place_count)
            return false;
    return true;
}

static bool
check_operations(const struct vmprof_trace *trace)
{
    uint32_t before = 0;

    if (trace->operation_count > MOST_ENTRIES ||
        (trace->operation_count && !trace->operations))
        return false;
    for (uint64_t i = 0; i < trace->operation_count; i++) {
        const struct vmprof_trace_operation *const op = &trace->operations[i];

        if (op->offset < before || !is_inside(trace, op->offset) ||
            op->place > trace->place_count || op->guard > trace->guard_count ||
            op->reserved)
            return false;
        before = op->offset;
    }
    return true;
}

int
vmp_told_check(const struct vmprof_trace *given, uint64_t guard_count,
               struct vmprof_trace *out)
{
    const int r = vmp_sized_import(out, sizeof(*out), TRACE_SIZE_0_1, given);

    if (r < 0)
        return r;
    return check_head(out) && check_places(out) && check_positions(out) &&
                   check_guards(out, guard_count) && check_operations(out)
               ? 0
               : -EINVAL;
}

/* A row of copies in one block; with no block, how much they take. */
struct copies {
    unsigned char *at;
    size_t size;
};

static void *
copy_array(struct copies *copies, const void *from, uint64_t count, size_t size)
{
    const size_t bytes = (size_t)count * size, padded = (bytes + 7) / 8 * 8;
    void *const to = copies->at;

    copies->size += padded;
    if (!to)
        return NULL;
    if (bytes)
        memcpy(to, from, bytes);
    copies->at += padded;
    return to;
}

static const char *
copy_text(struct copies *copies, const char *text)
{
    size_t size;
    char *to;

    if (!text)
        return NULL;
    size =
        vmp_cut_utf8(text, strnlen(text, VMP_TRACE_TEXT), VMP_TRACE_TEXT - 1);
    to = (char *)copies->at;
    copies->size += size + 1;
    if (!to)
        return NULL;
    memcpy(to, text, size);
    to[size] = '\0';
    copies->at += size + 1;
    return to;
}

/* Arrays come first: they are aligned. */
static void
copy_all(struct copies *copies, const struct vmprof_trace *from,
         struct vmprof_trace *to)
{
    struct vmprof_trace_guard *const guards =
        copy_array(copies, from->guards, from->guard_count, sizeof(*guards));
    struct vmprof_trace_operation *const operations = copy_array(
        copies, from->operations, from->operation_count, sizeof(*operations));

    *to = *from;
    to->places = copy_array(copies, from->places, from->place_count,
                            sizeof(*to->places));
    to->positions = copy_array(copies, from->positions, from->position_count,
                               sizeof(*to->positions));
    to->guards = guards;
    to->operations = operations;
    to->name = copy_text(copies, from->name);
    for (uint64_t i = 0; i < from->guard_count; i++) {
        const char *const text = copy_text(copies, from->guards[i].text);

        if (guards)
            guards[i].text = text;
    }
    for (uint64_t i = 0; i < from->operation_count; i++) {
        const char *const text = copy_text(copies, from->operations[i].text);

        if (operations)
            operations[i].text = text;
    }
}

struct vmp_told *
vmp_told_new(const struct vmprof_trace *trace)
{
    struct copies copies = { NULL, 0 };
    struct vmprof_trace ignored;
    struct vmp_told *told;

    copy_all(&copies, trace, &ignored);
    told = malloc(sizeof(*told) + copies.size);
    if (!told)
        return NULL;
    atomic_init(&told->users, 1);
    copies.at = (unsigned char *)(told + 1);
    copy_all(&copies, trace, &told->is);
    return told;
}

struct vmp_told *
vmp_told_brief(const struct vmp_told *told)
{
    struct vmprof_trace brief = told->is;

    brief.place_count = brief.position_count = 0;
    brief.guard_count = brief.operation_count = 0;
    return vmp_told_new(&brief);
}

struct vmp_told *
vmp_told_share(struct vmp_told *told)
{
    if (told)
        atomic_fetch_add(&told->users, 1);
    return told;
}

void
vmp_told_free(struct vmp_told *told)
{
    if (told && atomic_fetch_sub(&told->users, 1) == 1)
        free(told);
}

struct vmp_machine_code *
vmp_machine_code_new(const void *address, uint64_t length)
{
    const uint32_t size =
        (uint32_t)(length < VMP_MOST_CODE ? length : VMP_MOST_CODE);
    struct vmp_machine_code *const code = malloc(sizeof(*code) + size);

    if (!code)
        return NULL;
    atomic_init(&code->users, 1);
    code->size = size;
    memcpy(code->bytes, address, size);
    return code;
}

struct vmp_machine_code *
vmp_machine_code_share(struct vmp_machine_code *code)
{
    if (code)
        atomic_fetch_add(&code->users, 1);
    return code;
}

void
vmp_machine_code_free(struct vmp_machine_code *code)
{
    if (code && atomic_fetch_sub(&code->users, 1) == 1)
        free(code);
}
