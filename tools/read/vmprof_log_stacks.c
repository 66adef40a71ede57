/* SPDX-License-Identifier: MIT */

/*
 * From the stacks of a vmprof log to nodes. Each sample repeats its whole
 * stack, so what those seen before came to is kept, by 128 bits of their hash:
 * that two stacks of a file are taken for one is less likely than a fault of
 * the machine. When there are too many all are forgotten; that costs time
 * alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <vmprof/stack.h>

#include "store.h"
#include "vmprof_log.h"

enum {
    FIRST_SLOTS = 1 << 10,
    MOST_SLOTS = 1 << 19,
    KIND_ASSEMBLER = 6,
};

struct stack_slot {
    struct stack_hash hash; /* b is 0: free */
    uint32_t node;
    uint8_t phase;
};

struct log_stacks {
    struct stack_slot *slots;
    uint32_t slot_count, slots_used; /* slot_count is a power of two */
    uint32_t *frames;                /* of the stack at hand, innermost first */
    uint32_t frame_count, frame_capacity;
    struct vmp_intern keys; /* ((code, line), (trace, kind)) → index below */
    struct vmp_intern traces;
    uint32_t *frame_of_key;
    uint32_t key_capacity;
};

struct log_stacks *
log_stacks_new(void)
{
    struct log_stacks *stacks = calloc(1, sizeof(*stacks));

    if (!stacks)
        return NULL;
    stacks->slots = calloc(FIRST_SLOTS, sizeof(*stacks->slots));
    stacks->slot_count = FIRST_SLOTS;
    if (stacks->slots)
        return stacks;
    log_stacks_free(stacks);
    return NULL;
}

void
log_stacks_free(struct log_stacks *stacks)
{
    if (!stacks)
        return;
    vmp_intern_free(&stacks->keys);
    vmp_intern_free(&stacks->traces);
    free(stacks->frame_of_key);
    free(stacks->frames);
    free(stacks->slots);
    free(stacks);
}

void
log_stacks_forget(struct log_stacks *stacks)
{
    memset(stacks->slots, 0, stacks->slot_count * sizeof(*stacks->slots));
    stacks->slots_used = 0;
}

static inline uint64_t
mix(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * 0x9e3779b97f4a7c15;
    return lane << 29 | lane >> 35;
}

static inline uint64_t
load(const unsigned char *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return word;
}

/* Two words at once: the first is multiplied while a lane waits. */
static inline uint64_t
load_two(const unsigned char *data)
{
    return load(data) * 0xc2b2ae3d27d4eb4f + load(data + 8);
}

/* Four lanes, in registers: multiplying takes longer than loading a factor. */
static struct stack_hash
hash_bytes(const unsigned char *data, size_t size)
{
    uint64_t l0 = size + 1, l1 = 1, l2 = 2, l3 = 3;
    uint64_t a, b;

    for (; size >= 64; size -= 64, data += 64) {
        l0 = mix(l0, load_two(data));
        l1 = mix(l1, load_two(data + 16));
        l2 = mix(l2, load_two(data + 32));
        l3 = mix(l3, load_two(data + 48));
    }
    for (; size >= 16; size -= 16, data += 16) {
        const uint64_t last = mix(l0, load_two(data));
        l0 = l1;
        l1 = l2;
        l2 = l3;
        l3 = last;
    }
    for (; size >= 4; size -= 4, data += 4)
        l0 = mix(l0, vmp_get_u32(data));
    a = mix(mix(l0, l1), mix(l2, l3));
    b = mix(mix(l3, l0), mix(l1, l2));
    return (struct stack_hash){ a ^ a >> 31, (b ^ b >> 29) | 1 };
}

/* The slot that holds the stack, or the free one where it belongs. */
static struct stack_slot *
find_slot(const struct log_stacks *stacks, struct stack_hash hash)
{
    const uint32_t mask = stacks->slot_count - 1;
    uint32_t i = (uint32_t)hash.a & mask;

    while (stacks->slots[i].hash.b && (stacks->slots[i].hash.a != hash.a ||
                                       stacks->slots[i].hash.b != hash.b))
        i = (i + 1) & mask;
    return &stacks->slots[i];
}

static int
grow_slots(struct log_stacks *stacks)
{
    const struct log_stacks before = *stacks;
    struct stack_slot *slots =
        calloc((size_t)stacks->slot_count * 2, sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    stacks->slots = slots;
    stacks->slot_count *= 2;
    for (uint32_t i = 0; i < before.slot_count; i++)
        if (before.slots[i].hash.b)
            *find_slot(stacks, before.slots[i].hash) = before.slots[i];
    free(before.slots);
    return 0;
}

static int
keep_stack(struct log_stacks *stacks, const struct stack_slot *stack)
{
    int result = 0;

    if (stacks->slots_used >= stacks->slot_count / 4) {
        if (stacks->slot_count < MOST_SLOTS)
            result = grow_slots(stacks);
        else
            log_stacks_forget(stacks);
    }
    if (!result) {
        *find_slot(stacks, stack->hash) = *stack;
        stacks->slots_used++;
    }
    return result;
}

struct log_frame {
    uint64_t id;
    uint64_t trace; /* where the machine code begins that it is in, or 0 */
    uint32_t line;
    uint32_t kind; /* of struct frame */
};

/* The index of the profile's frame. */
static int64_t
find_frame(struct log *log, const struct log_frame *from)
{
    struct log_stacks *stacks = log->stacks;
    const bool is_machine_code = from->kind == FRAME_ADDRESS;
    const int64_t code = log_find_code(log, from->id, is_machine_code);
    bool is_new;
    const int64_t trace = vmp_intern(&stacks->traces, from->trace, 0, &is_new);
    const int64_t key =
        code < 0 || trace < 0
            ? -ENOMEM
            : vmp_intern(&stacks->keys, (uint64_t)code << 32 | from->line,
                         (uint64_t)trace << 8 | from->kind, &is_new);
    int64_t frame;

    if (key < 0 ||
        grow_array((void **)&stacks->frame_of_key, &stacks->key_capacity,
                   (uint32_t)key, sizeof(*stacks->frame_of_key)))
        return -ENOMEM;
    if (!is_new)
        return stacks->frame_of_key[key];
    frame = store_frame(log->profile,
                        &(struct frame){
                            .code = (uint32_t)code,
                            .kind = from->kind,
                            .line = from->line,
                            .offset = is_machine_code ? from->id : from->trace,
                            .has_offset = is_machine_code || from->trace,
                            .is_machine_code = is_machine_code,
                        });
    if (frame >= 0)
        stacks->frame_of_key[key] = (uint32_t)frame;
    return frame;
}

static int
add_frame(struct log *log, const struct log_frame *from)
{
    struct log_stacks *stacks = log->stacks;
    int64_t frame;

    if (from->kind == FRAME_ADDRESS && log->options.no_native)
        return 0;
    frame = find_frame(log, from);
    if (frame < 0 ||
        grow_array((void **)&stacks->frames, &stacks->frame_capacity,
                   stacks->frame_count, sizeof(*stacks->frames)))
        return -ENOMEM;
    stacks->frames[stacks->frame_count++] = (uint32_t)frame;
    return 0;
}

static uint8_t
phase_of_kind(uint64_t kind)
{
    switch (kind) {
    case VMPROF_KIND_BLACKHOLE:
        return VMPROF_PHASE_BLACKHOLE;
    case VMPROF_KIND_JITTED:
    case KIND_ASSEMBLER:
        return VMPROF_PHASE_COMPILED;
    case VMPROF_KIND_JITTING:
        return VMPROF_PHASE_TRACING;
    case VMPROF_KIND_GC:
        return VMPROF_PHASE_GC;
    case VMPROF_KIND_NATIVE:
        return VMPROF_PHASE_NATIVE;
    }
    return VMPROF_PHASE_INTERPRETING;
}

/* Machine code that RPython's writer or vmprof-python found: its low bit. */
static void
set_native(struct log_frame *frame, uint64_t address)
{
    frame->kind = FRAME_ADDRESS;
    frame->id = address & ~UINT64_C(1);
}

/*
 * A kind and a value each. A trace is its address and then its functions, the
 * innermost first; the address alone is no function.
 */
static int
read_pairs(struct log *log, const struct log_record *record, uint8_t *phase)
{
    const unsigned size = log->layout.address_size;
    uint64_t trace = 0;
    bool unknown = false;
    int result = 0;

    for (uint64_t i = 0; i < record->depth / 2 && !result; i++) {
        const unsigned char *pair = record->stack + 2 * i * size;
        const uint64_t kind = log_get(pair, size);
        struct log_frame frame = { .id = log_get(pair + size, size) };

        if (i == 0)
            *phase = phase_of_kind(kind);
        if (kind == KIND_ASSEMBLER) {
            trace = frame.id;
            continue;
        }
        if (kind != VMPROF_KIND_JITTED)
            trace = 0;
        frame.trace = trace;
        frame.kind = (uint32_t)kind;
        if (kind == VMPROF_KIND_NATIVE) {
            set_native(&frame, frame.id);
        } else if (kind < VMPROF_KIND_CODE || kind > VMPROF_KIND_NATIVE) {
            frame.kind = VMPROF_KIND_CODE;
            unknown = true;
        }
        result = add_frame(log, &frame);
    }
    if (unknown)
        log_repaired(log, REPAIR_KIND);
    if (record->depth & 1)
        log_repaired(log, REPAIR_HALF_FRAME);
    return result;
}

/* Addresses, machine code with its low bit set; each may have a line. */
static int
read_addresses(struct log *log, const struct log_record *record, uint8_t *phase)
{
    const unsigned size = log->layout.address_size;
    const unsigned step = log->layout.lines ? 2 : 1;
    int result = 0;

    for (uint64_t i = 0; i + step <= record->depth && !result; i += step) {
        const unsigned char *at = record->stack + i * size;
        const uint64_t line = step == 2 ? log_get(at, size) : 0;
        struct log_frame frame = {
            .id = log_get(at + (size_t)(step - 1) * size, size),
            .kind = VMPROF_KIND_CODE,
            .line = line > INT32_MAX ? 0 : (uint32_t)line,
        };

        if (frame.id & 1)
            set_native(&frame, frame.id);
        if (i == 0)
            *phase = frame.kind == FRAME_ADDRESS ? VMPROF_PHASE_NATIVE
                                                 : VMPROF_PHASE_INTERPRETING;
        result = add_frame(log, &frame);
    }
    if (record->depth % step)
        log_repaired(log, REPAIR_HALF_FRAME);
    return result;
}

static int64_t
make_node(struct log *log, const struct log_record *record, uint8_t *phase)
{
    struct log_stacks *stacks = log->stacks;
    int64_t node = NODE_ROOT;
    int result;

    stacks->frame_count = 0;
    *phase = VMPROF_PHASE_INTERPRETING;
    result = log->layout.pairs ? read_pairs(log, record, phase)
                               : read_addresses(log, record, phase);
    if (result)
        return result;
    for (uint32_t i = stacks->frame_count; i-- > 0 && node >= 0;)
        node = store_node(log->profile, (uint32_t)node, stacks->frames[i]);
    return node;
}

struct stack_hash
log_stack_hash(const struct log_stacks *stacks, const struct log_record *record)
{
    const struct stack_hash hash =
        hash_bytes(record->stack, record->stack_size);

    __builtin_prefetch(
        &stacks->slots[(uint32_t)hash.a & (stacks->slot_count - 1)]);
    return hash;
}

int64_t
log_stack_node(struct log *log, const struct log_record *record,
               struct stack_hash hash, uint8_t *phase)
{
    const struct stack_slot *slot = find_slot(log->stacks, hash);
    struct stack_slot stack = { .hash = hash };
    int64_t node;

    if (slot->hash.b) {
        *phase = slot->phase;
        return slot->node;
    }
    node = make_node(log, record, &stack.phase);
    if (node < 0)
        return node;
    stack.node = (uint32_t)node;
    *phase = stack.phase;
    return keep_stack(log->stacks, &stack) ? -ENOMEM : node;
}
