/* SPDX-License-Identifier: MIT */

/*
 * A sample repeats nothing of the one before. Here a thread walks at random
 * over calls and coroutines, is sampled after each step by a direct call, and
 * keeps a mirror: what was recorded has to be the mirror's stack, always.
 */

#include "suite.h"

#include <string.h>
#include <sys/uio.h>

#include "profiled.h"
#include "record/look.h"
#include "record/session.h"
#include "record/signal/sample.h"

enum {
    STACKS = 22,
    DEPTH = 40,
    CODES = 12,
    MOST_SEGMENTS = 16,
};

struct call {
    vmprof_code_id code;
    vmprof_token token;
};

/* The mirror of one stack; 0 is the thread's own. */
struct mirror {
    struct vmprof_stack *stack;
    struct call calls[DEPTH];
    uintptr_t cells[DEPTH];
    unsigned depth;
    int caller;
};

struct place {
    vmprof_code_id code;
    uint64_t offset;
};

/* What a sample has to hold. */
struct expected {
    unsigned cut, depth;
    struct place places[STACKS * DEPTH];
};

static struct vmprof_thread *thread;
static struct mirror mirrors[STACKS];
static int current;
static vmprof_code_id codes[CODES];
static struct expected *expected;
static size_t expected_count;
static size_t max_frames;
static uint64_t random_state;
static bool observing;
static struct vmp_watch watch;

static unsigned
dice(unsigned sides)
{
    return (unsigned)(draw(&random_state) >> 20) % sides;
}

static void
push(void)
{
    struct mirror *const m = &mirrors[current];
    struct call *const call = &m->calls[m->depth];

    if (m->depth == DEPTH)
        return;
    m->cells[m->depth] = dice(1000) + 1;
    call->code = codes[dice(CODES)];
    call->token =
        vmprof_execute_code_enter(thread, call->code, &m->cells[m->depth]);
    m->depth++;
}

static void
pop(unsigned count)
{
    struct mirror *const m = &mirrors[current];

    if (count > m->depth)
        count = m->depth;
    if (!count)
        return;
    m->depth -= count;
    vmprof_execute_code_leave(thread, m->calls[m->depth].token);
}

static void
jump_back(void)
{
    struct mirror *const m = &mirrors[current];

    if (!m->depth)
        return;
    m->depth -= dice(m->depth);
    vmprof_execute_code_repair(thread, m->calls[m->depth - 1].token);
}

static void
move_on(void)
{
    struct mirror *const m = &mirrors[current];

    if (m->depth)
        m->cells[m->depth - 1] = dice(1000) + 1;
}

static void
switch_to(int to)
{
    if (vmprof_switch_stack(thread, to ? mirrors[to].stack : NULL) == 0)
        current = to;
}

static void
resume(int to)
{
    if (vmprof_resume_stack(thread, mirrors[to].stack) == 0) {
        mirrors[to].caller = current;
        current = to;
    }
}

static void
yield(void)
{
    const int from = current;

    if (vmprof_yield_stack(thread) == 0) {
        require(mirrors[from].caller >= 0);
        current = mirrors[from].caller;
        mirrors[from].caller = -1;
    } else {
        require(mirrors[from].caller < 0);
    }
}

/* A generator's caller goes on, and asks it for the next value. */
static void
ask_again(void)
{
    const int generator = current;

    if (mirrors[generator].caller < 0)
        return;
    yield();
    move_on();
    resume(generator);
}

static void
step(void)
{
    const unsigned way = dice(100);

    if (way < 31)
        push();
    else if (way < 56)
        pop(1);
    else if (way < 60)
        ask_again();
    else if (way < 63)
        pop(dice(20));
    else if (way < 66)
        jump_back();
    else if (way < 80)
        move_on();
    else if (way < 89)
        resume(1 + (int)dice(STACKS - 1));
    else if (way < 97)
        yield();
    else
        switch_to((int)dice(STACKS));
}

/* The mirror's whole stack as it has to be recorded. */
static void
expect_mirror(void)
{
    struct expected *const e = &expected[expected_count++];
    int chain[STACKS];
    unsigned segments = 0, total = 0;

    for (int i = current; i >= 0; i = mirrors[i].caller) {
        if (segments < MOST_SEGMENTS)
            chain[segments++] = i;
        else
            e->cut += mirrors[i].depth;
    }
    while (segments--) {
        const struct mirror *const m = &mirrors[chain[segments]];

        for (unsigned i = 0; i < m->depth; i++)
            e->places[total++] =
                (struct place){ m->calls[i].code, m->cells[i] };
    }
    e->depth = total < max_frames ? total : (unsigned)max_frames;
    e->cut += total - e->depth;
    memmove(e->places, e->places + total - e->depth,
            e->depth * sizeof(*e->places));
}

static void
sample(void)
{
    struct vmp_thread *const record = (struct vmp_thread *)thread;
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);

    if (observing) {
        vmp_threads_lock();
        vmp_observe_lock();
        record->period_ns = 0; /* each look is due, however soon it comes */
        watch.now_ns = now_ns;
        vmp_look(&watch, record);
        vmp_observe_unlock();
        vmp_threads_unlock();
    } else {
        vmp_tick(record, now_ns, vmp_now_ns(CLOCK_THREAD_CPUTIME_ID));
    }
    expect_mirror();
}

static void
request(struct vmprof_thread *asked, void *user)
{
    (void)asked;
    *(bool *)user = true;
}

/* One sample by a walker, with frames that have nothing to do with the rest. */
static void
sample_by_walker(void)
{
    struct vmp_thread *const record = (struct vmp_thread *)thread;
    struct expected *const e = &expected[expected_count++];
    struct vmprof_walked_frame frames[5] = { { 0 } };
    bool asked = false;

    e->depth = dice(5) + 1;
    for (unsigned i = 0; i < e->depth; i++) {
        frames[i].code = codes[dice(CODES)];
        frames[i].offset = dice(1000) + 1;
        frames[i].kind = VMPROF_KIND_CODE;
        e->places[i] = (struct place){ frames[i].code, frames[i].offset };
    }
    require(vmprof_request_sample(thread, request, &asked) == 0);
    vmp_clock_stop(&record->clock);
    vmp_tick(record, vmp_now_ns(CLOCK_MONOTONIC),
             vmp_now_ns(CLOCK_THREAD_CPUTIME_ID));
    require(asked);
    require(vmprof_sample_stack(thread, frames, e->depth, 0) == 1);
    require(vmprof_request_sample(thread, NULL, NULL) == 0);
    if (e->depth > max_frames) {
        e->cut = e->depth - (unsigned)max_frames;
        memmove(e->places, e->places + e->cut, max_frames * sizeof(*e->places));
        e->depth = (unsigned)max_frames;
    }
}

static void
compare(const struct decoded *d, size_t number)
{
    const struct expected *const e = &expected[number];
    uint32_t frames[STACKS * DEPTH + 1];
    const size_t depth =
        decoded_stack(d, d->samples[number].node, frames, LENGTH(frames));
    const unsigned first = e->cut != 0;
    bool same = depth == e->depth + first && (!first || frames[0] == 0);

    for (unsigned i = 0; i < e->depth && same; i++) {
        const struct decoded_frame *const frame = &d->frames[frames[first + i]];

        same = frame->code == e->places[i].code &&
               frame->offset == e->places[i].offset;
        if (!same)
            dprintf(2,
                    "sample %zu, frame %u of %u: code %llu at %llu, not %llu "
                    "at %llu\n",
                    number, i, e->depth, (unsigned long long)frame->code,
                    (unsigned long long)frame->offset,
                    (unsigned long long)e->places[i].code,
                    (unsigned long long)e->places[i].offset);
    }
    if (!same)
        dprintf(2, "sample %zu: depth %zu, expected %u and %u cut\n", number,
                depth, e->depth, e->cut);
    require(same);
}

static void
walk(unsigned steps, unsigned walked_of_100)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.9);
    struct decoded d;

    options.max_frames = (uint32_t)max_frames;
    options.ring_size = 64 << 20;
    require(vmprof_enable_with(&options) == 0);
    vmp_clock_stop(&((struct vmp_thread *)thread)->clock);
    for (unsigned i = 0; i < steps; i++) {
        step();
        if (dice(100) < walked_of_100)
            sample_by_walker();
        else if (dice(4))
            sample();
    }
    finish_profile(file, &d);
    require(d.sample_count == expected_count);
    for (size_t i = 0; i < expected_count; i++)
        compare(&d, i);
    decoded_free(&d);
}

static void
start_over(size_t frames, bool observe)
{
    const unsigned most = rounds(8000);
    sigset_t signals;
    char name[20];

    /* The clock of the session must not sample in between. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    random_state = 2463534242 + frames;
    max_frames = frames;
    observing = observe;
    expected = calloc(most, sizeof(*expected));
    require(expected);
    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (int i = 0; i < STACKS; i++) {
        mirrors[i].caller = -1;
        if (i)
            require(vmprof_new_stack(DEPTH, &mirrors[i].stack) == 0);
    }
    for (unsigned i = 0; i < CODES; i++) {
        snprintf(name, sizeof(name), "f%u", i);
        codes[i] = code_named(name);
    }
    walk(most, 0);
}

static void
by_ticks(void)
{
    start_over(1024, false);
}

static void
by_looks(void)
{
    start_over(1024, true);
}

static void
by_ticks_cut_to_8(void)
{
    start_over(8, false);
}

static void
by_ticks_cut_to_1(void)
{
    start_over(1, false);
}

static void
by_looks_cut_to_8(void)
{
    start_over(8, true);
}

static void
by_both_kinds(void)
{
    start_over(1024, false);
    expected_count = 0;
    memset(expected, 0, rounds(8000) * sizeof(*expected));
    walk(rounds(8000), 10);
}

static void
ticks_record_the_stack_of_the_mirror(void **state)
{
    (void)state;
    assert_int_equal(isolate(by_ticks, 30), 0);
}

/* qemu's user mode does not have it; then positions are lost and counted. */
static bool
can_be_read_from_outside(void)
{
    uintptr_t value = 1, copy = 0;
    const struct iovec from = { &value, sizeof(value) },
                       to = { &copy, sizeof(copy) };

    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == sizeof(copy);
}

static void
looks_record_the_stack_of_the_mirror(void **state)
{
    (void)state;
    if (!can_be_read_from_outside())
        skip_because("process_vm_readv() does not work here");
    assert_int_equal(isolate(by_looks, 30), 0);
}

static void
cut_stacks_keep_their_leaf_most_frames(void **state)
{
    (void)state;
    assert_int_equal(isolate(by_ticks_cut_to_8, 30), 0);
    assert_int_equal(isolate(by_ticks_cut_to_1, 30), 0);
    if (!can_be_read_from_outside())
        skip_because("process_vm_readv() does not work here");
    assert_int_equal(isolate(by_looks_cut_to_8, 30), 0);
}

static void
a_walkers_answer_in_between_confuses_nothing(void **state)
{
    (void)state;
    assert_int_equal(isolate(by_both_kinds, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_record_the_stack_of_the_mirror),
        cmocka_unit_test(looks_record_the_stack_of_the_mirror),
        cmocka_unit_test(cut_stacks_keep_their_leaf_most_frames),
        cmocka_unit_test(a_walkers_answer_in_between_confuses_nothing),
    };

    return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
