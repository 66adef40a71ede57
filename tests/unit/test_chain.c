/* SPDX-License-Identifier: MIT */

/*
 * Frame pointers, from the handler to the writer: whatever becomes of a stack,
 * each record gives the frames that a walk of all of it would.
 */

#include "suite.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "isolate.h"
#include "record/session.h"
#include "record/signal/capture.h"
#include "record/signal/sample.h"
#include "record/splice.h"
#include "record/unwind.h"

enum {
    STACK = 16384, /* words */
    MOST = VMP_MOST_NATIVE_FRAMES,
    USUAL = 60, /* frames */
    RING = 1 << 17,
    QUEUED = 256, /* records that wait for the writer */
    STEPS = 20000,
    PAGE = 4096,
};

struct frame {
    uint64_t pc, cfa;
};

/* What a record has to say. */
struct expected {
    struct frame frames[MOST];
    size_t count;
    bool is_cut;
};

static struct vmp_thread thread;
static struct vmp_spliced *spliced;
static struct vmp_unwinder *unwinder;
static struct vmp_encoder *encoder;
static struct vmp_telling traces;
static uint64_t own[STACK] __attribute__((aligned(PAGE))), other[STACK];
static uint64_t pc, sp, fp;
static struct expected queue[QUEUED];
static size_t queued;
static uint64_t state;

void
__wrap_vmp_registers_of_context(struct vmp_registers *registers,
                                const void *context);

void
__wrap_vmp_registers_of_context(struct vmp_registers *registers,
                                const void *context)
{
    (void)context;
    registers->value[vmp_machine.return_address] = 0;
    registers->value[vmp_machine.pc] = pc;
    registers->value[vmp_machine.sp] = sp;
    registers->value[vmp_machine.fp] = fp;
}

static int
ignore(void *user, const void *data, size_t size)
{
    (void)user;
    (void)data;
    (void)size;
    return 0;
}

static size_t
no_name(void *user, uint64_t code, char *buffer)
{
    (void)user;
    (void)code;
    (void)buffer;
    return 0;
}

static int
set_up(void **unused)
{
    static int context;
    static struct vmp_stream stream;
    const struct vmp_session_info info = { .interval_ns = 1000000 };
    struct vmp_chain *const chain = &thread.last.chain;

    (void)unused;
    memset(&thread, 0, sizeof(thread));
    memset(own, 0, sizeof(own));
    vmp_session.native = VMPROF_NATIVE_FRAME_POINTERS;
    thread.context = &context;
    thread.stack_low = (uintptr_t)own;
    thread.stack_high = (uintptr_t)(own + STACK);
    chain->records = test_malloc((MOST + 1) * sizeof(*chain->records));
    spliced = vmp_spliced_new(1);
    queued = 0;
    state = 88172645463325252;
    if (!spliced || vmp_encoder_new(&encoder, ignore, no_name, NULL) < 0 ||
        vmp_unwinder_new(&unwinder, encoder, &traces) < 0)
        return -1;
    stream = (struct vmp_stream){ 0 };
    vmp_encoder_open(encoder, &info);
    vmp_encoder_begin(encoder, &stream);
    vmp_unwinder_begin(unwinder);
    return vmp_ring_new(&thread.ring, RING, 0);
}

static int
tear_down(void **unused)
{
    (void)unused;
    vmp_session.native = VMPROF_NATIVE_OFF;
    vmp_unwinder_free(unwinder);
    vmp_encoder_free(encoder);
    vmp_spliced_free(spliced);
    test_free(thread.last.chain.records);
    vmp_ring_free(&thread.ring);
    return 0;
}

static bool
is_own(void)
{
    return sp >= thread.stack_low && sp < thread.stack_high;
}

static bool
is_record(uint64_t at, uint64_t least)
{
    const uint64_t end =
        is_own() ? thread.stack_high : (uint64_t)(uintptr_t)(other + STACK);

    return at >= least && at <= end - 16 && at % 8 == 0;
}

/* All of the stack, frame by frame. */
static void
expect(struct expected *to)
{
    uint64_t at = fp, least = sp, next = pc;
    size_t records = 0;

    to->count = 0;
    to->is_cut = false;
    while (next) {
        const uint64_t *const words = (const uint64_t *)(uintptr_t)at;
        const bool goes_on = is_record(at, least);

        to->is_cut = goes_on && records == MOST;
        if (goes_on && !to->is_cut)
            least = at + 16;
        if (to->count < MOST)
            to->frames[to->count++] = (struct frame){ next, least };
        if (!goes_on || to->is_cut)
            break;
        at = words[0];
        next = words[1];
        records++;
    }
}

/* A record of no VM frame. False: there was no room for it, or for its chain.
 */
static bool
sample(void)
{
    struct vmp_capture capture;
    struct vmp_record *record;

    vmp_capture_open(&capture, &thread);
    vmp_capture_reserve(&capture, &thread, 0);
    record = vmp_reserve_record(&thread, 0, 0);
    if (!record)
        return false;
    record->type = VMP_RECORD_SAMPLE;
    record->state = 0;
    record->time_ns = 1;
    record->weight_ns = 0;
    record->cut = 0;
    vmp_capture_take(&capture, &thread, record);
    vmp_commit_record(&thread, record);
    return record->parts & VMP_PART_CHAIN;
}

static void
check(const struct vmp_record *record, const struct expected *expected)
{
    enum vmp_unwind_end end;
    const size_t count =
        vmp_unwind(unwinder, record, &spliced->chain, spliced->native, &end);

    assert_int_equal(end, expected->is_cut ? VMP_UNWIND_CUT : VMP_UNWIND_WHOLE);
    assert_int_equal(count, expected->count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(spliced->native[i].pc, expected->frames[i].pc - !!i);
        assert_int_equal(spliced->native[i].cfa, expected->frames[i].cfa);
    }
}

static void
drain(void)
{
    const struct vmp_record *record;
    size_t i = 0;

    while ((record = vmp_ring_peek(&thread.ring))) {
        if (record->parts & VMP_PART_CHAIN)
            check(record, &queue[i++]);
        vmp_ring_consume(&thread.ring, record);
    }
    assert_int_equal(i, queued);
    queued = 0;
}

static void
sample_and_expect(void)
{
    if (sample())
        expect(&queue[queued++]);
}

static uint64_t
some(uint64_t below)
{
    return draw(&state) % below;
}

/* A return address: one of a few, and of no file. */
static uint64_t
some_pc(void)
{
    return 4096 + 16 * some(32);
}

static uint64_t *
words_at(uint64_t at)
{
    return (uint64_t *)(uintptr_t)at;
}

/* Put a frame on top, after `room` words of its caller's. */
static void
call(uint64_t room)
{
    const uint64_t at = sp - (room + 2) * 8;

    if (at < thread.stack_low + 64)
        return;
    words_at(at)[0] = fp;
    words_at(at)[1] = some_pc();
    sp = fp = at;
}

static void
leave(uint64_t frames)
{
    while (frames-- && is_record(fp, sp)) {
        sp = fp + 16;
        fp = words_at(fp)[0];
    }
}

static void
build(uint64_t frames)
{
    sp = thread.stack_high - 64;
    fp = 0;
    pc = some_pc();
    while (frames--)
        call(some(8) ? 2 : some(12));
}

/* Frames as deep as that, from the innermost on. */
static uint64_t
record_at(uint64_t depth)
{
    uint64_t at = fp, least = sp;

    while (depth-- && is_record(at, least)) {
        least = at + 16;
        at = words_at(at)[0];
    }
    return is_record(at, least) ? at : 0;
}

static void
return_elsewhere(void)
{
    const uint64_t at = record_at(some(USUAL));

    if (at)
        words_at(at)[1] = some(50) ? some_pc() : 0;
}

/* One frame further out takes the place of a few. */
static void
leave_out(void)
{
    const uint64_t depth = some(USUAL), at = record_at(depth),
                   next = record_at(depth + 1 + some(4));

    if (at && next)
        words_at(at)[0] = next;
}

/* A frame in the midst of another one. */
static void
put_between(void)
{
    const uint64_t at = record_at(some(USUAL)), between = at + 16;

    if (!at || words_at(at)[0] < between + 16)
        return;
    words_at(between)[0] = words_at(at)[0];
    words_at(between)[1] = some_pc();
    words_at(at)[0] = between;
}

static void
break_off(void)
{
    const uint64_t at = record_at(some(USUAL));

    if (at)
        words_at(at)[0] = some(2) ? 0 : at + some(64);
}

/* All frames stay where they are, and are of other calls. */
static void
replace_all(void)
{
    uint64_t at = fp, least = sp;

    for (; is_record(at, least); least = at + 16, at = words_at(at)[0])
        words_at(at)[1] = some_pc();
}

/* qemu's user mode does not have what stacks of others are read by. */
static bool
other_can_be_read(void)
{
    uint64_t copy;
    const struct iovec from = { other, sizeof(copy) },
                       to = { &copy, sizeof(copy) };

    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == sizeof(copy);
}

static void
run_elsewhere(void)
{
    const uint64_t own_sp = sp, own_fp = fp;

    if (!other_can_be_read())
        return;
    sp = fp = (uintptr_t)(other + 100);
    for (size_t i = 100; i < 200; i += 10) {
        other[i] = (uintptr_t)(other + i + 10);
        other[i + 1] = some_pc();
    }
    other[200] = 0;
    sample_and_expect();
    sp = own_sp;
    fp = own_fp;
}

static void
change(void)
{
    switch (some(14)) {
    case 0:
        build(some(40) ? some(USUAL) : MOST - 10 + some(20));
        break;
    case 1:
        return_elsewhere();
        break;
    case 2:
        leave_out();
        break;
    case 3:
        put_between();
        break;
    case 4:
        break_off();
        break;
    case 5:
        replace_all();
        break;
    case 6:
        run_elsewhere();
        break;
    case 7:
        pc = some(20) ? some_pc() : 0;
        break;
    case 8:
        leave(some(USUAL));
        break;
    default:
        leave(some(5));
        for (uint64_t i = some(5); i; i--)
            call(2);
    }
}

static void
every_record_has_the_frames_of_a_whole_walk(void **unused)
{
    uint64_t lost;

    (void)unused;
    if (!vmp_machine.is_known)
        skip_because("there are no native frames on this machine");
    build(USUAL);
    for (unsigned i = 0; i < STEPS; i++) {
        change();
        sample_and_expect();
        if (queued + 2 > QUEUED || !some(100))
            drain();
    }
    drain();
    lost = thread.counters.lost_ring_full + thread.counters.native_cut;
    assert_true(lost > 20 && lost < STEPS / 2);
}

static const struct vmp_native_chain *
only_chain(void)
{
    const struct vmp_record *const record = vmp_ring_peek(&thread.ring);

    assert_non_null(record);
    assert_int_equal(record->parts, VMP_PART_CHAIN);
    return (const void *)vmp_record_native(record);
}

static void
require_recorded(size_t kept, size_t added)
{
    const struct vmp_native_chain *chain;

    sample_and_expect();
    chain = only_chain();
    assert_int_equal(chain->kept, kept);
    assert_int_equal(chain->head.size, added * sizeof(struct vmp_frame_record));
    drain();
}

static void
a_record_holds_only_what_has_changed(void **unused)
{
    (void)unused;
    if (!vmp_machine.is_known)
        skip_because("there are no native frames on this machine");
    if (!other_can_be_read())
        skip_because("process_vm_readv() does not work here");
    build(50);
    require_recorded(0, 50);
    require_recorded(50, 0);
    leave(3);
    require_recorded(47, 0);
    call(2);
    call(5);
    require_recorded(47, 2);
    words_at(record_at(9))[1] ^= 8;
    require_recorded(39, 10);
    run_elsewhere();
    drain();
    require_recorded(0, 49);
}

/* What lies there is still what it was, but nothing leads to it. */
static void
frames_that_were_left_are_not_taken_for_those_in_their_place(void **unused)
{
    uint64_t left;

    (void)unused;
    if (!vmp_machine.is_known)
        skip_because("there are no native frames on this machine");
    build(20);
    require_recorded(0, 20);
    left = fp;
    leave(10);
    call(16); /* over them */
    assert_true(fp > left && words_at(left)[1]);
    require_recorded(10, 1);
    leave(1);
    fp = record_at(2);
    require_recorded(8, 0);
}

static void
records_that_are_lost_change_nothing(void **unused)
{
    struct expected *const last = &queue[0];

    (void)unused;
    if (!vmp_machine.is_known)
        skip_because("there are no native frames on this machine");
    build(30);
    while (sample())
        ;
    while (vmp_reserve_record(&thread, 0, 0))
        sample();
    leave(5);
    call(3);
    assert_false(sample());
    while (vmp_ring_peek(&thread.ring)) {
        const struct vmp_record *const record = vmp_ring_peek(&thread.ring);
        enum vmp_unwind_end end;

        vmp_unwind(unwinder, record, &spliced->chain, spliced->native, &end);
        vmp_ring_consume(&thread.ring, record);
    }
    assert_true(thread.counters.native_cut && thread.counters.lost_ring_full);
    require_recorded(25, 1);
    expect(last);
    assert_int_equal(last->count, 27);
}

/* Of frames further out than a record can have, nothing is known. */
static void
a_chain_that_is_cut_is_not_gone_on_from(void **unused)
{
    (void)unused;
    if (!vmp_machine.is_known)
        skip_because("there are no native frames on this machine");
    build(100);
    require_recorded(0, 100);
    for (unsigned i = 100; i < MOST - 5; i++)
        call(2);
    require_recorded(100, MOST - 105);
    for (unsigned i = 0; i < 10; i++)
        call(2);
    require_recorded(0, MOST);
    leave(MOST - 45);
    require_recorded(0, 50);
}

/* A page that no stack is on any more may be gone. */
static void
what_has_been_left_is_not_read(void **unused)
{
    size_t left;

    (void)unused;
    if (!vmp_machine.is_known)
        skip_because("there are no native frames on this machine");
    build(800);
    sample_and_expect();
    leave(700);
    left = (size_t)(sp - thread.stack_low) / PAGE * PAGE;
    assert_int_equal(mprotect(own, left, PROT_NONE), 0);
    sample_and_expect();
    assert_int_equal(mprotect(own, left, PROT_READ | PROT_WRITE), 0);
    drain();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_record_has_the_frames_of_a_whole_walk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_holds_only_what_has_changed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            frames_that_were_left_are_not_taken_for_those_in_their_place,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_that_are_lost_change_nothing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chain_that_is_cut_is_not_gone_on_from,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_been_left_is_not_read, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
