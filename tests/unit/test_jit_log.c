/* SPDX-License-Identifier: MIT */

/* Traces in a vmprof log: compiled code in the place of the frame that it is of. */

#include "strict_log.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <vmprof/trace.h>

#include "interrupted.h"

enum {
    SIZE = 100,
};

static unsigned char machine_code[2 * SIZE];
static struct vmprof_thread *thread;
static vmprof_code_id outer, function, inlined, deepest;
static struct log parsed;

static int
begin_log(uint32_t parts)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.9);

    options.format = VMPROF_FORMAT_LOG;
    options.log_parts = parts;
    assert_int_equal(vmprof_enable_with(&options), 0);
    stop_clock(thread);
    return file;
}

static void
end_log(int file)
{
    struct stat status;
    unsigned char *bytes;

    assert_int_equal(vmprof_disable(), 0);
    assert_int_equal(fstat(file, &status), 0);
    bytes = malloc((size_t)status.st_size);
    assert_non_null(bytes);
    assert_int_equal(pread(file, bytes, (size_t)status.st_size, 0),
                     status.st_size);
    take_apart(bytes, (size_t)status.st_size, &parsed);
    free(bytes);
    close(file);
}

static void
tick_at_offset(size_t offset)
{
    tick_interrupted(thread, machine_code + offset);
}

static vmprof_jit_id
register_loop(void)
{
    const struct vmprof_trace_place places[] = {
        { .code = function, .line = 10 },
        { .code = inlined, .line = 20, .parent = 1 },
        { .code = deepest, .line = 30, .parent = 2 },
    };
    const struct vmprof_trace_position positions[] = { { 10, 0 }, { 20, 2 } };
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;

    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.code = function;
    trace.line = 9;
    trace.address = machine_code;
    trace.length = SIZE;
    trace.places = places;
    trace.place_count = LENGTH(places);
    trace.positions = positions;
    trace.position_count = LENGTH(positions);
    assert_int_equal(vmprof_reserve_trace(0, &reserved), 0);
    assert_int_equal(vmprof_register_trace(reserved.id, &trace), 0);
    return reserved.id;
}

static void
require_stack(size_t i, const uint64_t *words, size_t count)
{
    assert_in_range(i, 0, parsed.stack_count - 1);
    assert_int_equal(parsed.stacks[i].depth, count);
    assert_memory_equal(parsed.stacks[i].words, words, count * sizeof(*words));
}

#define REQUIRE_STACK(i, ...)                                                  \
    do {                                                                       \
        const uint64_t words_[] = { __VA_ARGS__ };                             \
        require_stack((i), words_, LENGTH(words_));                            \
    } while (0)

static void
a_log_has_the_functions_in_a_trace(void **state)
{
    (void)state;
    const uint64_t address = (uintptr_t)machine_code;
    const vmprof_jit_id loop = register_loop();
    const int file = begin_log(0);
    const vmprof_token token = vmprof_execute_code_enter(thread, outer, NULL),
                       inner =
                           vmprof_execute_code_enter(thread, function, NULL);

    tick_at_offset(5);
    tick_at_offset(10);
    tick_at_offset(SIZE - 1);
    tick_at_offset(SIZE);
    thread->trace = loop;
    tick_at_offset(SIZE);
    vmprof_execute_code_leave(thread, inner);
    tick_at_offset(25); /* of a function that has no frame */
    vmprof_execute_code_leave(thread, token);
    tick_at_offset(SIZE);
    thread->trace = 0;
    assert_int_equal(vmprof_unregister_trace(loop), 0);
    end_log(file);

    assert_int_equal(parsed.stack_count, 7);
    REQUIRE_STACK(0, ASSEMBLER, address, JITTED, function, CODE, outer);
    REQUIRE_STACK(1, ASSEMBLER, address, JITTED, function, CODE, outer);
    REQUIRE_STACK(2, ASSEMBLER, address, JITTED, deepest, JITTED, inlined,
                  JITTED, function, CODE, outer);
    REQUIRE_STACK(3, CODE, function, CODE, outer);
    REQUIRE_STACK(4, ASSEMBLER, address, JITTED, function, CODE, outer);
    REQUIRE_STACK(5, ASSEMBLER, address, JITTED, deepest, JITTED, inlined,
                  JITTED, function, CODE, outer);
    REQUIRE_STACK(6, ASSEMBLER, address, JITTED, function);
}

static void
a_log_with_lines_has_those_of_the_trace(void **state)
{
    (void)state;
    const vmprof_jit_id loop = register_loop();
    const int file = begin_log(VMPROF_LOG_LINES);
    const vmprof_token token =
        vmprof_execute_code_enter(thread, function, NULL);

    tick_at_offset(20);
    vmprof_execute_code_leave(thread, token);
    assert_int_equal(vmprof_unregister_trace(loop), 0);
    end_log(file);
    assert_int_equal(parsed.stack_count, 1);
    REQUIRE_STACK(0, 30, deepest, 20, inlined, 10, function);
}

static void
a_trace_without_an_address_is_in_no_log(void **state)
{
    (void)state;
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;
    const int file = begin_log(0);
    const vmprof_token token = vmprof_execute_code_enter(thread, outer, NULL);

    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_METHOD;
    trace.code = function;
    assert_int_equal(vmprof_reserve_trace(0, &reserved), 0);
    assert_int_equal(vmprof_register_trace(reserved.id, &trace), 0);
    thread->trace = reserved.id;
    tick_by_hand(thread);
    thread->trace = 0;
    vmprof_execute_code_leave(thread, token);
    end_log(file);
    assert_int_equal(parsed.stack_count, 1);
    REQUIRE_STACK(0, CODE, outer);
}

static int
set_up(void **state)
{
    (void)state;
    assert_int_equal(vmprof_attach_thread(NULL, &thread), 0);
    outer = code_named("outer");
    function = code_named("function");
    inlined = code_named("inlined");
    deepest = code_named("deepest");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    return vmprof_detach_thread(thread);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_has_the_functions_in_a_trace),
        cmocka_unit_test(a_log_with_lines_has_those_of_the_trace),
        cmocka_unit_test(a_trace_without_an_address_is_in_no_log),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
