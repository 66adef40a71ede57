/* SPDX-License-Identifier: MIT */

/* A host that unwinds with libunwind gets through traces. */

#include "suite.h"

#include <string.h>
#include <sys/mman.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <vmprof/vmprof.h>

enum {
    MOST = 64,
    PAGE = 4096,
    BEHIND_CALL = 6,
};

/* sub rsp, 40; call *rdi; add rsp, 40; ret */
static const unsigned char code[] = {
    0x48, 0x83, 0xec, 40, 0xff, 0xd7, 0x48, 0x83, 0xc4, 40, 0xc3,
};

static uintptr_t frames[MOST];
static int frame_count;
static uintptr_t callers_caller;

static __attribute__((noinline)) void
look_back(void)
{
    unw_context_t context;
    unw_cursor_t cursor;
    unw_word_t ip;

    frame_count = 0;
    assert_int_equal(unw_getcontext(&context), 0);
    assert_int_equal(unw_init_local(&cursor, &context), 0);
    do {
        unw_get_reg(&cursor, UNW_REG_IP, &ip);
        frames[frame_count++] = (uintptr_t)ip;
    } while (frame_count < MOST && unw_step(&cursor) > 0);
}

static __attribute__((noinline)) void
call_at(unsigned char *at)
{
    void (*call)(void (*function)(void));

    callers_caller = (uintptr_t)__builtin_return_address(0);
    memcpy(&call, &at, sizeof(call));
    call(look_back);
    assert_true(frame_count > 0); /* so that the call is not the last thing */
}

/* Without the rules libunwind takes the frame pointer, which is that of whoever
 * has one, for the code's own: then the caller is left out. */
static bool
has_its_caller(const unsigned char *address)
{
    int i = 0;

    while (i < frame_count && frames[i] != (uintptr_t)address)
        i++;
    return i + 2 < frame_count && frames[i + 2] == callers_caller;
}

static vmprof_jit_id
register_code(const void *address)
{
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;

    assert_int_equal(vmprof_reserve_trace(0, &reserved), 0);
    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.address = address;
    trace.length = sizeof(code);
    trace.frame = VMPROF_TRACE_FRAME_FIXED;
    trace.frame_size = 40;
    assert_int_equal(vmprof_register_trace(reserved.id, &trace), 0);
    return reserved.id;
}

static int
open_sinks(void)
{
    struct vmprof_jit_sink_options options;

    vmprof_jit_sink_options_init(&options);
    options.sinks = VMPROF_SINK_UNWIND;
    return vmprof_open_jit_sinks(&options);
}

static void
libunwind_gets_through(void **state)
{
    unsigned char *const at =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    vmprof_jit_id ids[2];

    (void)state;
    assert_true(at != MAP_FAILED);
    memcpy(at, code, sizeof(code));
    memcpy(at + PAGE / 2, code, sizeof(code));
    assert_int_equal(open_sinks(), 0);
    ids[0] = register_code(at);
    ids[1] = register_code(at + PAGE / 2);
    call_at(at + PAGE / 2);
    assert_true(has_its_caller(at + PAGE / 2 + BEHIND_CALL));
    assert_int_equal(vmprof_unregister_trace(ids[1]), 0);
    call_at(at);
    assert_true(has_its_caller(at + BEHIND_CALL));
    assert_int_equal(vmprof_unregister_trace(ids[0]), 0);
    call_at(at);
    assert_false(has_its_caller(at + BEHIND_CALL));
    assert_int_equal(vmprof_close_jit_sinks(), 0);
    munmap(at, PAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libunwind_gets_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
