/* SPDX-License-Identifier: MIT */

/* The tables of what a JIT compiler made, and what keeps some distinct. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A table that cannot grow is an error for the reader, not an exit. */
#define HASH_NONFATAL_OOM 1
/* The usual function falls through in a switch, which clang warns of. */
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#include "intern.h"
#include "store.h"
#include "traces_store.h"

enum {
    BLOCK_SIZE = 256 * 1024,
    /* Larger ones get a block of their own. */
    LARGE_SIZE = BLOCK_SIZE / 4,
};

struct block {
    struct block *next;
    size_t used, size;
    unsigned char bytes[];
};

struct name {
    UT_hash_handle hh;
    uint32_t section;
    char bytes[];
};

struct traces_private {
    struct block *blocks; /* the first is being filled */
    struct name *names;
    struct vmp_intern where;  /* function, file */
    struct vmp_intern lines;  /* (where, line), (opcode, first line) */
    struct vmp_intern points; /* (lines, outer), bytecode + 1 */
    struct vmp_intern places; /* points, code */
    uint32_t trace_capacity, operation_capacity, position_capacity;
    uint32_t place_capacity, guard_capacity, label_capacity, range_capacity;
    uint32_t section_capacity, total_capacity;
};

/* One more member, zeroed, or NULL. */
static void *
add_member(void **array, uint32_t *capacity, uint32_t *count, size_t size)
{
    unsigned char *member;

    if (grow_array(array, capacity, *count, size))
        return NULL;
    member = (unsigned char *)*array + (size_t)*count * size;
    memset(member, 0, size);
    ++*count;
    return member;
}

#define ADD(traces, members, member)                                           \
    add_member((void **)&(traces)->members,                                    \
               &(traces)->private->member##_capacity,                          \
               &(traces)->member##_count, sizeof(*(traces)->members))

int
traces_open(struct traces *traces)
{
    struct trace *trace;
    struct trace_place *place;

    traces->format = traces->machine = "";
    traces->private = calloc(1, sizeof(*traces->private));
    if (!traces->private)
        return -ENOMEM;
    trace = ADD(traces, traces, trace);
    place = ADD(traces, places, place);
    if (!trace || !place || !ADD(traces, operations, operation) ||
        !ADD(traces, positions, position) || !ADD(traces, guards, guard) ||
        !ADD(traces, labels, label) || !ADD(traces, sections, section) ||
        !ADD(traces, totals, total))
        return -ENOMEM;
    trace->name = trace->reason = "";
    place->function = place->file = place->opcode = "";
    traces->guards[0].text = "";
    traces->operations[0].text = traces->sections[0].name = "";
    traces->totals[0].name = "";
    return 0;
}

static void
free_names(struct traces_private *private)
{
    struct name *name, *next;

    HASH_ITER(hh, private->names, name, next)
    {
        HASH_DEL(private->names, name);
        free(name);
    }
}

static void
free_private(struct traces_private *private)
{
    while (private->blocks) {
        struct block *next = private->blocks->next;

        free(private->blocks);
        private->blocks = next;
    }
    free_names(private);
    vmp_intern_free(&private->where);
    vmp_intern_free(&private->lines);
    vmp_intern_free(&private->points);
    vmp_intern_free(&private->places);
    free(private);
}

void
traces_free(struct traces *traces)
{
    if (traces->private)
        free_private(traces->private);
    free(traces->traces);
    free(traces->operations);
    free(traces->positions);
    free(traces->places);
    free(traces->guards);
    free(traces->labels);
    free(traces->ranges);
    free(traces->sections);
    free(traces->totals);
    memset(traces, 0, sizeof(*traces));
}

static struct block *
new_block(size_t size)
{
    struct block *block = calloc(1, sizeof(*block) + size);

    if (block)
        block->size = size;
    return block;
}

static unsigned char *
large_bytes(struct traces_private *private, size_t size)
{
    struct block *block = new_block(size);

    if (!block)
        return NULL;
    /* Behind the one that is being filled. */
    if (private->blocks) {
        block->next = private->blocks->next;
        private->blocks->next = block;
    } else {
        private->blocks = block;
    }
    block->used = size;
    return block->bytes;
}

unsigned char *
traces_bytes(struct traces *traces, size_t size)
{
    struct traces_private *private = traces->private;
    struct block *block = private->blocks;

    if (size >= LARGE_SIZE)
        return large_bytes(private, size);
    if (!block || block->size - block->used < size) {
        block = new_block(BLOCK_SIZE);
        if (!block)
            return NULL;
        block->next = private->blocks;
        private->blocks = block;
    }
    block->used += size;
    return block->bytes + block->used - size;
}

static void
copy_text(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = from[i] ? from[i] : '?';
    to[size] = '\0';
}

const char *
traces_text(struct traces *traces, const void *bytes, size_t size)
{
    char *text = (char *)traces_bytes(traces, size + 1);

    if (text)
        copy_text(text, bytes, size);
    return text;
}

static struct name *
add_name(struct traces_private *private, const void *bytes, size_t size)
{
    struct name *name = calloc(1, sizeof(*name) + size + 1);

    if (!name)
        return NULL;
    copy_text(name->bytes, bytes, size);
    HASH_ADD_KEYPTR(hh, private->names, name->bytes, (unsigned)size, name);
    if (!name->hh.tbl) {
        free(name);
        return NULL;
    }
    return name;
}

const char *
traces_name(struct traces *traces, const void *bytes, size_t size)
{
    struct traces_private *private = traces->private;
    struct name *name;
    char *clean = NULL;

    if (!size)
        bytes = "";
    if (memchr(bytes, '\0', size)) {
        clean = malloc(size + 1);
        if (!clean)
            return NULL;
        copy_text(clean, bytes, size);
        bytes = clean;
    }
    HASH_FIND(hh, private->names, bytes, (unsigned)size, name);
    if (!name)
        name = add_name(private, bytes, size);
    free(clean);
    return name ? name->bytes : NULL;
}

int64_t
traces_add(struct traces *traces, const struct trace *from)
{
    struct trace *trace = ADD(traces, traces, trace);

    if (!trace)
        return -ENOMEM;
    *trace = *from;
    if (!trace->name)
        trace->name = "";
    if (!trace->reason)
        trace->reason = "";
    return traces->trace_count - 1;
}

int64_t
traces_add_operation(struct traces *traces, const struct trace_operation *from)
{
    struct trace_operation *operation = ADD(traces, operations, operation);

    if (!operation)
        return -ENOMEM;
    *operation = *from;
    return traces->operation_count - 1;
}

int64_t
traces_add_position(struct traces *traces, const struct trace_position *from)
{
    struct trace_position *position = ADD(traces, positions, position);

    if (!position)
        return -ENOMEM;
    *position = *from;
    return traces->position_count - 1;
}

int64_t
traces_add_guard(struct traces *traces, const struct trace_guard *from)
{
    struct trace_guard *guard = ADD(traces, guards, guard);

    if (!guard)
        return -ENOMEM;
    *guard = *from;
    if (!guard->text)
        guard->text = "";
    return traces->guard_count - 1;
}

int64_t
traces_add_label(struct traces *traces, const struct trace_label *from)
{
    struct trace_label *label = ADD(traces, labels, label);

    if (!label)
        return -ENOMEM;
    *label = *from;
    return traces->label_count - 1;
}

int64_t
traces_add_range(struct traces *traces, const struct trace_range *from)
{
    struct trace_range *range = ADD(traces, ranges, range);

    if (!range)
        return -ENOMEM;
    *range = *from;
    return traces->range_count - 1;
}

int64_t
traces_add_place(struct traces *traces, const struct trace_place *from)
{
    struct traces_private *private = traces->private;
    bool is_new;
    const int64_t where = vmp_intern(&private->where, (uintptr_t)from->function,
                                     (uintptr_t)from->file, &is_new);
    const int64_t opcode = vmp_intern(&private->where, (uintptr_t)from->opcode,
                                      from->first_line, &is_new);
    const int64_t line =
        vmp_intern(&private->lines, (uint64_t)where << 32 | from->line,
                   (uint64_t)opcode, &is_new);
    const int64_t point =
        vmp_intern(&private->points, (uint64_t)line << 32 | from->outer,
                   from->has_bytecode ? from->bytecode + 1 : 0, &is_new);
    const int64_t place =
        vmp_intern(&private->places, (uint64_t)point, from->code, &is_new);
    struct trace_place *added;

    if (where < 0 || opcode < 0 || line < 0 || point < 0 || place < 0)
        return -ENOMEM;
    if (!is_new)
        return place + 1;
    added = ADD(traces, places, place);
    if (!added)
        return -ENOMEM;
    *added = *from;
    return traces->place_count - 1;
}

int64_t
traces_section(struct traces *traces, const char *text)
{
    struct name *name;
    struct jit_section *section;

    HASH_FIND(hh, traces->private->names, text, (unsigned)strlen(text), name);
    if (!name)
        name = add_name(traces->private, text, strlen(text));
    if (!name)
        return -ENOMEM;
    if (name->section)
        return name->section;
    section = ADD(traces, sections, section);
    if (!section)
        return -ENOMEM;
    section->name = name->bytes;
    name->section = traces->section_count - 1;
    return name->section;
}

int64_t
traces_add_total(struct traces *traces, const struct jit_total *from)
{
    struct jit_total *total = ADD(traces, totals, total);

    if (!total)
        return -ENOMEM;
    *total = *from;
    return traces->total_count - 1;
}
