/* SPDX-License-Identifier: MIT */

/* Native frames on both sides of compiled code, which is x86-64 here. */

#include "suite.h"

#include <string.h>
#include <sys/mman.h>

#include <vmprof/trace.h>

#include "native_profile.h"

enum {
    TRACE = 6, /* kind of frame */
    CODE_SIZE = 4096,
    SPIN_AT = 1024, /* in the page: code that calls nothing */
    FRAME_AT = 2048,
};

/* Functions that samples are looked at in, each in a section of its own. */
#define OUTER __attribute__((noinline, section("outer_code")))
#define INNER __attribute__((noinline, section("inner_code")))
extern const char __start_outer_code[], __stop_outer_code[];
extern const char __start_inner_code[], __stop_inner_code[];
static const struct extent outer = { __start_outer_code, __stop_outer_code };
static const struct extent inner = { __start_inner_code, __stop_inner_code };

typedef void (*trace_function)(void (*callee)(void), volatile bool *until);

/* sub rsp, 40; call rdi; add rsp, 40; ret */
static const unsigned char calling[] = { 0x48, 0x83, 0xec, 40, 0xff, 0xd7,
                                         0x48, 0x83, 0xc4, 40, 0xc3 };
/* push rbp; mov rbp, rsp; sub rsp, 32; call rdi; leave; ret */
static const unsigned char framed[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x83,
                                        0xec, 32,   0xff, 0xd7, 0xc9, 0xc3 };
/* sub rsp, 40; again: cmp byte [rsi], 0; je again; add rsp, 40; ret. The first
 * and the last two instructions are no part of the trace. */
static const unsigned char spinning[] = { 0x48, 0x83, 0xec, 40,   0x80,
                                          0x3e, 0x00, 0x74, 0xfb, 0x48,
                                          0x83, 0xc4, 40,   0xc3 };
enum {
    SPIN_FROM = 4,
    SPIN_SIZE = 5,
    SPIN_FRAME = 40,
    CALL_ENDS = 6,
    FRAMED_CALL_ENDS = 10,
};

static unsigned char *code;
static vmprof_jit_id caller, spinner, frame_user;

static vmprof_jit_id
register_at(const void *address, size_t size, uint32_t frame,
            uint64_t frame_size)
{
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;

    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.address = address;
    trace.length = size;
    trace.frame = frame;
    trace.frame_size = frame_size;
    require(vmprof_reserve_trace(0, &reserved) == 0);
    require(vmprof_register_trace(reserved.id, &trace) == 0);
    return reserved.id;
}

static void
assemble(void)
{
    code = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(code != MAP_FAILED);
    memcpy(code, calling, sizeof(calling));
    memcpy(code + SPIN_AT, spinning, sizeof(spinning));
    memcpy(code + FRAME_AT, framed, sizeof(framed));
    caller = register_at(code, sizeof(calling), VMPROF_TRACE_FRAME_FIXED, 40);
    spinner = register_at(code + SPIN_AT + SPIN_FROM, SPIN_SIZE,
                          VMPROF_TRACE_FRAME_FIXED, SPIN_FRAME);
    frame_user = register_at(code + FRAME_AT, sizeof(framed),
                             VMPROF_TRACE_FRAME_POINTER, 0);
}

static trace_function
function_at(size_t offset)
{
    trace_function function;

    *(void **)&function = code + offset;
    return function;
}

static void (*volatile callee)(void);
static volatile size_t trace_at;

static INNER void
spin_in_c(void)
{
    while (!stop)
        for (volatile unsigned i = 0; i < 100; i++)
            ;
}

/* Into the trace that spins, by way of C. */
static INNER void
spin_in_trace(void)
{
    function_at(SPIN_AT)(NULL, &stop);
    for (volatile unsigned i = 0; i < 1; i++)
        ;
}

/* A call of the VM that goes into a trace. */
static OUTER void
run_trace(void)
{
    const vmprof_token token =
        vmprof_execute_code_enter(chain.thread, chain.codes[0], NULL);

    function_at(trace_at)(callee, &stop);
    vmprof_execute_code_leave(chain.thread, token);
}

static void
profile(uint32_t native, size_t trace, void (*called)(void))
{
    pthread_t stopper;

    begin(native, 0);
    assemble();
    trace_at = trace;
    callee = called;
    stopper = start_stopper();
    run_trace();
    pthread_join(stopper, NULL);
    end();
}

static bool
is_trace(size_t i, vmprof_jit_id id, uint64_t offset)
{
    const struct decoded_frame *frame;

    if (i >= depth)
        return false;
    frame = &d.frames[stack[i]];
    return frame->kind == TRACE && frame->code / 4 == id && frame->has_offset &&
           frame->offset == offset;
}

/* How many samples have from run_trace() on its VM frame and the trace at its
 * call; how many of these go on in inner code, and end in a spinning trace. */
struct seen {
    size_t calls, functions, spins;
};

static struct seen
look(vmprof_jit_id id, uint64_t call_ends)
{
    struct seen seen = { 0 };

    for (size_t s = 0; s < d.sample_count; s++) {
        size_t at;

        load(s);
        at = first_in(&outer);
        if (at + 2 >= depth || !is_trace(at + 2, id, call_ends - 1))
            continue;
        require_in_stack(is_code(at + 1, chain.codes[0]));
        seen.calls++;
        seen.functions += is_in(at + 3, &inner);
        /* Either of the two instructions. */
        seen.spins +=
            is_trace(at + 4, spinner, 0) || is_trace(at + 4, spinner, 3);
    }
    return seen;
}

static void
call_c_from_a_trace(void)
{
    struct seen seen;

    profile(VMPROF_NATIVE_COPY, 0, spin_in_c);
    seen = look(caller, CALL_ENDS);
    require(seen.calls > d.sample_count * 9 / 10);
    require(seen.functions == seen.calls);
    require(seen.spins == 0);
    require(profile_stats().native_failed == 0);
    decoded_free(&d);
}

static void
what_called_a_trace_is_seen_beneath_it(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(call_c_from_a_trace, 60), 0);
}

static void
call_a_trace_from_c_from_a_trace(void)
{
    struct seen seen;

    profile(VMPROF_NATIVE_COPY, 0, spin_in_trace);
    seen = look(caller, CALL_ENDS);
    require(seen.calls > d.sample_count * 9 / 10);
    require(seen.functions == seen.calls);
    require(seen.spins > d.sample_count * 9 / 10);
    require(profile_stats().native_failed == 0);
    decoded_free(&d);
}

static void
traces_are_unwound_wherever_they_stand(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(call_a_trace_from_c_from_a_trace, 60), 0);
}

static void
call_c_by_a_frame_pointer(void)
{
    struct seen seen;

    profile(VMPROF_NATIVE_COPY, FRAME_AT, spin_in_c);
    seen = look(frame_user, FRAMED_CALL_ENDS);
    require(seen.calls > d.sample_count * 9 / 10);
    require(seen.functions == seen.calls);
    decoded_free(&d);
}

static void
a_trace_may_have_a_frame_pointer(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(call_c_by_a_frame_pointer, 60), 0);
}

/* Of the innermost the handler has said where it was. */
static void
end_in_a_trace(uint32_t native)
{
    size_t found = 0;

    profile(native, SPIN_AT, NULL);
    for (size_t s = 0; s < d.sample_count; s++) {
        size_t at;

        load(s);
        if (!is_trace(depth - 1, spinner, 0) &&
            !is_trace(depth - 1, spinner, 3))
            continue;
        found++;
        require(d.samples[s].phase == VMPROF_PHASE_COMPILED);
        require_in_stack(is_code(depth - 2, chain.codes[0]));
        at = first_in(&outer);
        require_in_stack(native == VMPROF_NATIVE_OFF ? at == depth
                                                     : at == depth - 3);
    }
    require(found > d.sample_count * 9 / 10);
    decoded_free(&d);
}

static void
end_without_native(void)
{
    end_in_a_trace(VMPROF_NATIVE_OFF);
}

static void
end_with_copies(void)
{
    end_in_a_trace(VMPROF_NATIVE_COPY);
}

static void
end_with_frame_pointers(void)
{
    end_in_a_trace(VMPROF_NATIVE_FRAME_POINTERS);
}

static void
a_trace_is_the_innermost_frame(void **state)
{
    (void)state;
    assert_int_equal(isolate(end_without_native, 60), 0);
    if (vmp_step_load())
        assert_int_equal(isolate(end_with_copies, 60), 0);
    assert_int_equal(isolate(end_with_frame_pointers, 60), 0);
}

/* Signals come while traces come and go at one address. */
static void
replace_traces(void)
{
    const unsigned count = rounds(400);
    size_t found = 0, wrong = 0;
    struct vmprof_options options;
    static vmprof_code_id codes[8];
    int reused;

    require(vmprof_attach_thread(NULL, &chain.thread) == 0);
    for (unsigned i = 0; i < LENGTH(codes); i++) {
        const char name[] = { 'c', (char)('0' + i), 0 };

        codes[i] = code_named(name);
    }
    assemble();
    require(vmprof_unregister_trace(spinner) == 0);
    reused = profile_file();
    options = profile_options(reused, 0.0005);
    require(vmprof_enable_with(&options) == 0);
    for (unsigned i = 0; i < count; i++) {
        const vmprof_code_id own = codes[i % LENGTH(codes)];
        const vmprof_token token =
            vmprof_execute_code_enter(chain.thread, own, NULL);
        const uint64_t before = profile_stats().samples;
        struct vmprof_reserved_trace reserved;
        struct vmprof_trace trace;

        vmprof_trace_init(&trace);
        trace.kind = VMPROF_TRACE_LOOP;
        trace.address = code + SPIN_AT + SPIN_FROM;
        trace.length = SPIN_SIZE;
        trace.code = own;
        require(vmprof_reserve_trace(0, &reserved) == 0);
        require(vmprof_register_trace(reserved.id, &trace) == 0);
        stop = false;
        /* Some are not there for long enough to be seen. */
        if (i % 4 == 0) {
            unsigned one = 1;
            pthread_t stopper;

            require(pthread_create(&stopper, NULL, stop_soon, &one) == 0);
            function_at(SPIN_AT)(NULL, &stop);
            pthread_join(stopper, NULL);
            require(profile_stats().samples > before);
        }
        require(vmprof_unregister_trace(reserved.id) == 0);
        vmprof_execute_code_leave(chain.thread, token);
    }
    require(vmprof_disable() == 0);
    require(decode_fd(&d, reused) == 0);
    for (size_t s = 0; s < d.sample_count; s++) {
        const struct decoded_trace *trace;

        load(s);
        if (depth < 2 || d.frames[stack[depth - 1]].kind != TRACE)
            continue;
        found++;
        trace = decoded_trace(&d, d.frames[stack[depth - 1]].code / 4);
        wrong += !is_code(depth - 2, trace->fields.number[6] * 4);
    }
    require(wrong == 0);
    require(found > count / 8);
    decoded_free(&d);
}

static void
a_trace_at_the_address_of_another_is_never_taken_for_it(void **state)
{
    (void)state;
    assert_int_equal(isolate(replace_traces, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_called_a_trace_is_seen_beneath_it),
        cmocka_unit_test(traces_are_unwound_wherever_they_stand),
        cmocka_unit_test(a_trace_may_have_a_frame_pointer),
        cmocka_unit_test(a_trace_is_the_innermost_frame),
        cmocka_unit_test(
            a_trace_at_the_address_of_another_is_never_taken_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
