/* SPDX-License-Identifier: MIT */

/*
 * Edges as machine code do what the inline functions do, and nothing else: all
 * registers, flags, and what lies around the stack pointer are looked at.
 */

#include "suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <vmprof/vmprof.h>

#include "isolate.h"
#include "record/jit/ring.h"
#include "registers.h"

enum {
    STACK_SIZE = 16384,
    PATTERN = 0xa5,
    CAPACITY = 1024,
    SESSION = 7,
    DRAWS = 100000,
    CODE_SIZE = 4096,
    FAR = 40000, /* a displacement that no short form holds */
};

/* What an edge finds of its ring. */
enum state {
    HAS_ROOM,
    MAKES_ROOM, /* at the limit, which moves up */
    LOSES,
    UNWANTED,
    STATES,
};

/* All that an edge changes, twice: for the machine code, and for C. */
struct side {
    struct vmprof_thread thread;
    struct vmp_jit jit;
    uint64_t counter;
};

static struct side sides[2];
static unsigned char *code;
static unsigned char stack[STACK_SIZE] __attribute__((aligned(64)));
static unsigned char cells[2 * FAR + 16];
static uint64_t random_state = 88172645463325252u;

static uint64_t
draw_below(uint64_t most)
{
    return draw(&random_state) % most;
}

static void
join(struct side *side, uint32_t inner)
{
    const struct vmp_jit_wishes wishes = {
        .emits = VMPROF_EMIT_EVENT,
        .inner = inner ? VMPROF_JIT_INNER_EACH : VMPROF_JIT_INNER_IGNORE,
        .capacity = CAPACITY,
    };

    vmp_jit_init(&side->jit);
    side->thread.jit_ring = &side->jit.ring;
    atomic_store(&side->jit.joined, 0);
    vmp_jit_join(&side->jit, SESSION, &wishes, 0);
    assert_true(vmp_jit_make_room(&side->jit.ring));
}

static void
set_up(struct side *side, enum state state, bool inner)
{
    struct vmprof_jit_ring *const ring = &side->jit.ring;

    join(side, inner);
    side->thread.trace = 99;
    side->counter = 5;
    if (state == MAKES_ROOM || state == LOSES)
        ring->index = ring->limit;
    if (state == MAKES_ROOM)
        atomic_store(&side->jit.tail, ring->index);
    if (state == LOSES)
        atomic_store(&side->jit.tail, ring->index - CAPACITY);
    if (state == UNWANTED)
        vmp_jit_part(&side->jit);
}

static void
run_in_c(const struct vmprof_emit *emit, struct side *side)
{
    struct vmprof_thread *const thread = &side->thread;

    if (emit->emits & VMPROF_EMIT_COUNT)
        ++side->counter;
    switch (emit->edge) {
    case VMPROF_EDGE_ENTER:
        vmprof_jit_enter(thread, emit->id, emit->emits);
        break;
    case VMPROF_EDGE_JUMP:
        if (emit->is_inner)
            vmprof_jit_jump_inner(thread, emit->id, emit->emits);
        else
            vmprof_jit_jump(thread, emit->id, emit->emits);
        break;
    case VMPROF_EDGE_EXIT:
        vmprof_jit_exit(thread, emit->id, emit->emits);
        break;
    case VMPROF_EDGE_CALL:
        vmprof_jit_call(thread, emit->id, emit->emits);
        break;
    case VMPROF_EDGE_RETURN:
        vmprof_jit_return(thread, emit->id, emit->emits);
        break;
    }
}

static void
fill(void *to, size_t size)
{
    unsigned char *const bytes = to;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)draw(&random_state);
}

/* Any registers but those that may not be. */
static uint32_t
draw_scratch(void)
{
    const uint32_t all = (uint32_t)(((uint64_t)1 << general_count) - 1) &
                         ~((uint32_t)1 << stack_register);

    switch (draw_below(4)) {
    case 0:
        return 0;
    case 1:
        return all;
    }
    return (uint32_t)draw(&random_state) & all;
}

static unsigned
draw_register(bool or_stack)
{
    unsigned reg;

    do
        reg = (unsigned)draw_below(general_count);
    while (reg == stack_register && !or_stack);
    return reg;
}

static int32_t
draw_displacement(bool from_stack)
{
    static const int32_t some[] = { 0,    8,     16,   248,  256,  4096,
                                    -8,   -256,  -264, 3,    -5,   32760,
                                    120,  127,   128,  -128, -129, FAR,
                                    -FAR, 32768, 257,  -257, 255,  12 };
    int32_t displacement;

    do
        displacement = some[draw_below(LENGTH(some))];
    while (from_stack && (displacement < 0 || displacement > 4096));
    return displacement;
}

static struct vmprof_emit
draw_emit(void)
{
    struct vmprof_emit emit;

    vmprof_emit_init(&emit);
    emit.edge = (uint32_t)draw_below(5);
    emit.id = draw_below(2) ? (vmprof_jit_id)(1 + draw_below(200))
                            : (vmprof_jit_id)(1 + draw_below((1 << 24) - 1));
    emit.emits = (uint32_t)(1 + draw_below(7));
    emit.is_inner = emit.edge == VMPROF_EDGE_JUMP && draw_below(2);
    emit.base = (uint32_t)draw_below(4);
    emit.scratch = draw_scratch();
    emit.keep_flags = (uint32_t)draw_below(2);
    emit.counter = &sides[0].counter;
    emit.is_shared = (uint32_t)draw_below(2);
    return emit;
}

/* Where the code finds the record: in a register, or in a cell. */
static void
place_record(struct vmprof_emit *emit, struct registers *in)
{
    struct vmprof_thread *const thread = &sides[0].thread;
    unsigned char *cell = cells + FAR;

    emit->base_register = draw_register(emit->base == VMPROF_BASE_MEMORY);
    if (emit->base == VMPROF_BASE_REGISTER)
        in->general[emit->base_register] = (uintptr_t)thread;
    if (emit->base == VMPROF_BASE_MEMORY) {
        const bool from_stack = emit->base_register == stack_register;

        emit->displacement = draw_displacement(from_stack);
        if (from_stack)
            cell = stack + STACK_SIZE / 2;
        in->general[emit->base_register] = (uintptr_t)cell;
        cell += emit->displacement;
    }
    memcpy(cell, &thread, sizeof(thread));
    emit->address =
        emit->base == VMPROF_BASE_ADDRESS ? (uintptr_t)thread : (uintptr_t)cell;
}

static void
print_emit(const struct vmprof_emit *emit, enum state state, int length)
{
    print_error("edge %u id %u emits %u inner %u base %u register %u "
                "displacement %d scratch %#x flags %u shared %u state %d:\n",
                emit->edge, emit->id, emit->emits, emit->is_inner, emit->base,
                emit->base_register, emit->displacement, emit->scratch,
                emit->keep_flags, emit->is_shared, state);
    for (int i = 0; i < length; i++)
        print_error("%02x", code[i]);
    print_error("\n");
}

static bool
has_same_registers(const struct vmprof_emit *emit, const struct registers *in,
                   const struct registers *out)
{
    bool same = true;

    for (unsigned i = 0; i < general_count; i++)
        if (in->general[i] != out->general[i] && !(emit->scratch >> i & 1)) {
            print_error("register %u\n", i);
            same = false;
        }
    if (emit->keep_flags && (in->flags ^ out->flags) & flags_mask) {
        print_error("flags %#llx before, %#llx after\n",
                    (unsigned long long)in->flags,
                    (unsigned long long)out->flags);
        same = false;
    }
    return same && !memcmp(in->vectors, out->vectors, sizeof(in->vectors));
}

/* The records but for their times, which lie between two others. */
static bool
has_same_events(uint64_t before, uint64_t between, uint64_t after)
{
    const struct vmprof_jit_ring *const a = &sides[0].jit.ring;
    const struct vmprof_jit_ring *const b = &sides[1].jit.ring;
    const uint64_t word = ((uint64_t)1 << VMPROF_RECORD_TIME_SHIFT) - 1;
    const uint64_t times = UINT64_MAX >> VMPROF_RECORD_TIME_SHIFT;
    const uint64_t *one, *other;
    bool same;

    if (a->index - atomic_load(&sides[0].jit.first) !=
            b->index - atomic_load(&sides[1].jit.first) ||
        a->lost - atomic_load(&sides[0].jit.lost_before) !=
            b->lost - atomic_load(&sides[1].jit.lost_before) ||
        (a->limit > a->index) != (b->limit > b->index))
        return false;
    if (a->index == atomic_load(&sides[0].jit.first) || !before)
        return true;
    one = &a->records[(a->index - 1) & a->mask];
    other = &b->records[(b->index - 1) & b->mask];
    same = (*one & word) == (*other & word);
    same &= (((*one >> VMPROF_RECORD_TIME_SHIFT) - before) & times) <=
            ((between - before) & times);
    return same && (((*other >> VMPROF_RECORD_TIME_SHIFT) - between) & times) <=
                       ((after - between) & times);
}

static bool
is_as_in_c(const struct vmprof_emit *emit, const struct registers *in)
{
    const bool has_room = sides[1].jit.ring.index < sides[1].jit.ring.limit;
    const bool has_event = emit->emits & VMPROF_EMIT_EVENT &&
                           (!emit->is_inner || sides[1].jit.ring.inner) &&
                           has_room;
    uint64_t before, between;
    struct registers out = *in;

    before = vmprof_jit_ticks();
    run_code(code, in, &out);
    between = vmprof_jit_ticks();
    run_in_c(emit, &sides[1]);
    return has_same_registers(emit, in, &out) &&
           sides[0].thread.trace == sides[1].thread.trace &&
           sides[0].counter == sides[1].counter &&
           has_same_events(has_event ? before : 0, between, vmprof_jit_ticks());
}

static bool
stack_is_untouched(const unsigned char *copy)
{
    const size_t from = STACK_SIZE / 2 - red_zone;

    return !memcmp(copy + from, stack + from, STACK_SIZE - from);
}

/* Returns the length of the edge itself. */
static int
write_code(const struct vmprof_emit *emit, const struct registers *in)
{
    unsigned char *const at = code + write_head(code, in);
    const int length = vmprof_emit_edge(emit, at, VMPROF_EMIT_MOST);

    assert_true(length > 0);
    write_tail(at + length);
    code_was_written(code, (size_t)length + 2 * LEAD_SIZE);
    return length;
}

static void
try_one(void)
{
    static unsigned char copy[STACK_SIZE];
    const enum state state = (enum state)draw_below(STATES);
    const bool inner = draw_below(2);
    const size_t used = STACK_SIZE / 2 - red_zone;
    struct vmprof_emit emit = draw_emit();
    struct registers in;
    int length;
    bool same;

    fill(&in, sizeof(in));
    in.flags = (in.flags & flags_mask) | flags_set;
    place_record(&emit, &in);
    in.general[stack_register] = (uintptr_t)(stack + STACK_SIZE / 2);
    for (int i = 0; i < 2; i++)
        set_up(&sides[i], state, inner);
    length = write_code(&emit, &in);
    memcpy(copy + used, stack + used, STACK_SIZE - used);
    same = is_as_in_c(&emit, &in) && stack_is_untouched(copy);
    if (!same)
        print_emit(&emit, state, length);
    assert_true(same);
}

static void
machine_code_does_what_c_does(void **state)
{
    (void)state;
    for (unsigned i = 0; i < rounds(is_emulated() ? DRAWS / 20 : DRAWS); i++)
        try_one();
}

/* Whatever is asked for, of either machine, and whatever room there is. */
static void
an_edge_is_never_longer_than_said(void **state)
{
    static const uint32_t machines[] = { VMPROF_MACHINE_X86_64,
                                         VMPROF_MACHINE_AARCH64 };
    unsigned char room[VMPROF_EMIT_MOST + 1];

    (void)state;
    for (unsigned i = 0; i < rounds(is_emulated() ? DRAWS / 20 : DRAWS); i++) {
        struct vmprof_emit emit = draw_emit();
        int length, cut;

        emit.machine = machines[i % 2];
        emit.scratch &= i % 2 ? UINT32_MAX >> 1 : 0xffef;
        emit.base_register = (uint32_t)draw_below(16);
        emit.base_register += emit.base_register == 4;
        emit.displacement = draw_displacement(false);
        emit.address = draw(&random_state) | 1;
        emit.counter = (uint64_t *)(uintptr_t)(draw(&random_state) | 1);
        length = vmprof_emit_edge(&emit, room, VMPROF_EMIT_MOST);
        assert_in_range(length, 4, VMPROF_EMIT_MOST);
        cut = (int)draw_below((uint64_t)length);
        room[cut] = PATTERN;
        assert_int_equal(vmprof_emit_edge(&emit, room, (size_t)cut), -ENOSPC);
        assert_int_equal(room[cut], PATTERN);
        assert_int_equal(vmprof_emit_edge(&emit, room, (size_t)length), length);
    }
}

static struct vmprof_emit
plain_emit(void)
{
    struct vmprof_emit emit;

    vmprof_emit_init(&emit);
    emit.machine = VMPROF_MACHINE_X86_64;
    emit.id = 0xffffff;
    emit.emits = VMPROF_EMIT_CURRENT;
    emit.base_register = 3;
    return emit;
}

static void
current_is_one_instruction(void **state)
{
    /* movq $0xffffff, 88(%rbx) */
    static const unsigned char expected[] = { 0x48, 0xc7, 0x43, 88,
                                              0xff, 0xff, 0xff, 0 };
    const struct vmprof_emit emit = plain_emit();
    unsigned char room[VMPROF_EMIT_MOST];

    (void)state;
    assert_int_equal(vmprof_emit_edge(&emit, room, sizeof(room)),
                     sizeof(expected));
    assert_memory_equal(room, expected, sizeof(expected));
}

#define REFUSED(member, value)                                                 \
    do {                                                                       \
        struct vmprof_emit bad = plain_emit();                                 \
        bad.member = value;                                                    \
        assert_int_equal(vmprof_emit_edge(&bad, room, sizeof(room)), -EINVAL); \
    } while (0)

static void
what_cannot_be_emitted_is_refused(void **state)
{
    unsigned char room[VMPROF_EMIT_MOST];
    struct vmprof_emit emit = plain_emit();

    (void)state;
    REFUSED(machine, 3);
    REFUSED(edge, 5);
    REFUSED(id, 0);
    REFUSED(id, VMPROF_JIT_MAX_IDS);
    REFUSED(emits, 8);
    REFUSED(emits, VMPROF_EMIT_COUNT); /* without a counter */
    REFUSED(is_inner, 1);              /* of an edge that is no jump */
    REFUSED(is_inner, 2);
    REFUSED(base, 4);
    REFUSED(base_register, 4); /* the stack pointer */
    REFUSED(base_register, 16);
    REFUSED(base, VMPROF_BASE_ADDRESS); /* 0 */
    REFUSED(base, VMPROF_BASE_CELL);
    REFUSED(scratch, 1 << 4);
    REFUSED(scratch, 1 << 16);
    REFUSED(keep_flags, 2);
    REFUSED(is_shared, 2);
    REFUSED(reserved, 1);
    REFUSED(size, 8);
    assert_int_equal(vmprof_emit_edge(NULL, room, sizeof(room)), -EINVAL);
    assert_int_equal(vmprof_emit_edge(&emit, NULL, 0), -EINVAL);
    emit.emits = 0;
    assert_int_equal(vmprof_emit_edge(&emit, room, sizeof(room)), 0);
}

static void
what_is_newer_is_refused(void **state)
{
    struct {
        struct vmprof_emit emit;
        uint64_t more;
    } newer = { plain_emit(), 0 };
    unsigned char room[VMPROF_EMIT_MOST];

    (void)state;
    newer.emit.size = sizeof(newer);
    assert_int_equal(vmprof_emit_edge(&newer.emit, room, sizeof(room)), 8);
    newer.more = 1;
    assert_int_equal(vmprof_emit_edge(&newer.emit, room, sizeof(room)), -E2BIG);
}

static void *
map_code(void)
{
    void *const at = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_code_does_what_c_does),
        cmocka_unit_test(an_edge_is_never_longer_than_said),
        cmocka_unit_test(current_is_one_instruction),
        cmocka_unit_test(what_cannot_be_emitted_is_refused),
        cmocka_unit_test(what_is_newer_is_refused),
    };

    code = map_code();
    memset(stack, PATTERN, sizeof(stack));
    if (!code)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
