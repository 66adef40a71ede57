/* SPDX-License-Identifier: MIT */

/* What the encoder of the vmprof log emits. */

#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/format.h"
#include "strict_log.h"
#include "tape.h"

#define PERIOD_NS UINT64_C(1000000)
#define START_NS  UINT64_C(1700000000123456789)
#define SYNTHETIC (UINT64_C(1) << 56)

/* Functions of 256 bytes, wherever. */
static void
symbol_of(void *user, const struct vmp_module_info *module, uint64_t address,
          struct vmp_symbol *out)
{
    (void)user;
    out->start = (address & ~UINT64_C(255)) + (module ? module->bias : 0);
    out->scope = module ? 1 : 0;
    out->size = (size_t)snprintf(out->name, sizeof(out->name), "n:g%llx:0:%s",
                                 (unsigned long long)(address & ~UINT64_C(255)),
                                 module ? module->path : "-");
}

static struct vmp_encoder *
start(struct tape *tape, struct vmp_log_options options, const char *vm)
{
    const struct vmp_session_info info = {
        .vm_name = vm,
        .unix_ns = START_NS,
        .interval_ns = PERIOD_NS,
        .program = "demo",
        .pid = 12,
    };
    const struct vmp_thread_info thread = { "main", 99, 0, 0, 0 };
    struct vmp_encoder *encoder;

    options.symbol_of = symbol_of;
    assert_int_equal(
        vmp_encoder_new_log(&encoder, &options, record, name_of, tape), 0);
    assert_int_equal(vmp_encoder_open(encoder, &info), 0);
    assert_int_equal(vmp_encoder_thread(encoder, 0, &thread), 0);
    return encoder;
}

static void
end(struct vmp_encoder *encoder, struct tape *tape, struct log *log)
{
    assert_int_equal(vmp_encoder_finish(encoder), 0);
    assert_int_equal(vmp_encoder_end(encoder, 2500 * PERIOD_NS), 0);
    vmp_encoder_free(encoder);
    take_apart(tape->bytes, tape->size, log);
    free(tape->bytes);
}

static uint32_t
node(struct vmp_encoder *encoder, uint32_t parent, uint64_t code, unsigned kind,
     uint32_t line)
{
    const struct vmp_place place = { .line = line };
    const int64_t frame =
        vmp_encoder_frame(encoder, code | (uint64_t)kind << 56, &place);

    assert_true(frame > 0);
    return (uint32_t)vmp_encoder_node(encoder, parent, (uint32_t)frame);
}

static void
sample(struct vmp_encoder *encoder, uint32_t of, uint64_t weight_ns)
{
    assert_int_equal(vmp_encoder_sample(encoder, of, 0, weight_ns, 0, 0), 0);
}

static struct log parsed;

static void
a_log_begins_with_its_header_and_ends_with_its_trailer(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ 0 }, "toy");

    end(encoder, &tape, &parsed);
    assert_int_equal(parsed.version, 6);
    assert_int_equal(parsed.mode, 8);
    assert_int_equal(parsed.period_us, 1000);
    assert_string_equal(parsed.vm, "toy");
    assert_true(parsed.has_end);
    assert_int_equal(parsed.start_s, START_NS / 1000000000);
    assert_int_equal(parsed.end_s, START_NS / 1000000000 + 2);
    assert_string_equal(meta_in(&parsed, "os"), "linux");
    assert_string_equal(meta_in(&parsed, "vmprof.program"), "demo");
    assert_string_equal(meta_in(&parsed, "vmprof.thread.0"), "99 main");
}

static void
a_stack_is_pairs_from_the_innermost_frame_on(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ .memory = true, .native = true },
              "toy");
    const struct vmp_module_info module = { .path = "/lib/x.so",
                                            .bias = 0x7f0000000000 };
    struct vmp_stream stream = { 0 };
    const uint32_t index = vmp_encoder_module(encoder, &module);
    const uint32_t outer = node(encoder, 0, 8, CODE, 5);
    const uint32_t inner = node(encoder, outer, 12, JITTED, 0);
    const int64_t frame = vmp_encoder_address(encoder, index, 0x1234);
    const int64_t same = vmp_encoder_address(encoder, index, 0x12ff);
    const int64_t leaf = vmp_encoder_node(encoder, inner, (uint32_t)frame);

    vmp_encoder_memory(encoder, 4321);
    vmp_encoder_begin(encoder, &stream);
    sample(encoder, (uint32_t)leaf, PERIOD_NS);
    sample(encoder, (uint32_t)vmp_encoder_node(encoder, inner, (uint32_t)same),
           PERIOD_NS);
    sample(encoder, 0, PERIOD_NS);
    end(encoder, &tape, &parsed);
    assert_int_equal(parsed.mode, 1 | 4 | 8);
    assert_int_equal(parsed.stack_count, 3);
    for (unsigned i = 0; i < 2; i++) {
        const uint64_t expected[] = { NATIVE, 0x7f0000001201, JITTED,
                                      12,     CODE,           8 };

        assert_int_equal(parsed.stacks[i].depth, 6);
        assert_memory_equal(parsed.stacks[i].words, expected, sizeof(expected));
        assert_int_equal(parsed.stacks[i].thread, 99);
        assert_int_equal(parsed.stacks[i].memory_kb, 4321);
    }
    assert_int_equal(parsed.stacks[2].depth, 0);
    assert_string_equal(name_in(&parsed, 0x7f0000001201),
                        "n:g1200:0:/lib/x.so");
    assert_string_equal(name_in(&parsed, 12), "t:f12:1:");
}

static void
lines_stand_before_addresses_and_are_0_of_machine_code(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ .lines = true }, "toy");
    struct vmp_stream stream = { 0 };
    const uint32_t outer = node(encoder, 0, 8, CODE, 5);
    const uint32_t inner = node(encoder, outer, 12, JITTED, 70);
    const int64_t frame = vmp_encoder_address(encoder, 0, 0x1234);
    const uint64_t expected[] = { 0, 0x1201, 70, 12, 5, 8 };

    vmp_encoder_begin(encoder, &stream);
    sample(encoder, (uint32_t)vmp_encoder_node(encoder, inner, (uint32_t)frame),
           PERIOD_NS);
    end(encoder, &tape, &parsed);
    assert_int_equal(parsed.mode, 2);
    assert_int_equal(parsed.stacks[0].depth, 6);
    assert_memory_equal(parsed.stacks[0].words, expected, sizeof(expected));
}

static void
a_vm_that_readers_know_by_name_has_pairs_whatever_is_wanted(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ .lines = true }, "pypy");

    end(encoder, &tape, &parsed);
    assert_int_equal(parsed.mode, 8);
}

static void
kinds_that_no_reader_takes_are_code_and_what_is_no_code_has_a_name(void **state)
{
    (void)state;
    static const struct {
        unsigned kind;
        const char *name;
    } kinds[] = {
        { 2, "n:[blackhole interpreter]:0:" },
        { 4, "n:[JIT compiler]:0:" },
        { 5, "n:[garbage collector]:0:" },
        { 7, "n:[native]:0:" },
        { VMP_KIND_SYSTEM, "n:[system calls]:0:" },
        { VMP_KIND_NO_POLL, "n:[no poll]:0:" },
        { 1, "n:[unknown]:0:" },
    };
    const size_t count = sizeof(kinds) / sizeof(*kinds);
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ 0 }, "toy");
    struct vmp_stream stream = { 0 };

    vmp_encoder_begin(encoder, &stream);
    for (size_t i = 0; i < count; i++) {
        sample(encoder, node(encoder, 0, 0, kinds[i].kind, 0), PERIOD_NS);
        sample(encoder, node(encoder, 0, 16 + 4 * i, kinds[i].kind, 0),
               PERIOD_NS);
    }
    sample(encoder, (uint32_t)vmp_encoder_node(encoder, 0, 0), PERIOD_NS);
    vmp_encoder_sample(encoder, 0, 0, PERIOD_NS, 0, VMP_STATE_OFF_CPU);
    end(encoder, &tape, &parsed);
    for (size_t i = 0; i < count; i++) {
        const struct stack *const without = &parsed.stacks[2 * i];

        assert_int_equal(without[0].words[0], CODE);
        assert_true(without[0].words[1] >= SYNTHETIC);
        assert_string_equal(name_in(&parsed, without[0].words[1]),
                            kinds[i].name);
        assert_int_equal(without[1].words[0], CODE);
        assert_int_equal(without[1].words[1], 16 + 4 * i);
    }
    assert_string_equal(name_in(&parsed, parsed.stacks[2 * count].words[1]),
                        "n:[truncated]:0:");
    assert_string_equal(name_in(&parsed, parsed.stacks[2 * count + 1].words[1]),
                        "n:[off-CPU]:0:");
}

static void
a_trace_stands_before_the_code_in_it(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ .has_traces = true }, "toy");
    struct vmp_stream stream = { 0 };
    const struct vmp_place first = { .offset = 0x1000, .has_offset = true };
    const struct vmp_place second = { .offset = 0x2000, .has_offset = true };
    const uint64_t jitted = (uint64_t)JITTED << 56;
    uint32_t at = node(encoder, 0, 8, CODE, 0);
    const uint64_t expected[] = { ASSEMBLER, 0x2000, JITTED, 20,
                                  ASSEMBLER, 0x1000, JITTED, 16,
                                  JITTED,    12,     CODE,   8 };

    at = (uint32_t)vmp_encoder_node(
        encoder, at, (uint32_t)vmp_encoder_frame(encoder, jitted | 12, &first));
    at = (uint32_t)vmp_encoder_node(
        encoder, at, (uint32_t)vmp_encoder_frame(encoder, jitted | 16, &first));
    at = (uint32_t)vmp_encoder_node(
        encoder, at,
        (uint32_t)vmp_encoder_frame(encoder, jitted | 20, &second));
    vmp_encoder_begin(encoder, &stream);
    sample(encoder, at, PERIOD_NS);
    end(encoder, &tape, &parsed);
    assert_int_equal(parsed.stacks[0].depth, 12);
    assert_memory_equal(parsed.stacks[0].words, expected, sizeof(expected));
}

static size_t
stacks_of(const struct log *log, uint64_t id)
{
    size_t count = 0;

    for (size_t i = 0; i < log->stack_count; i++)
        count += log->stacks[i].words[1] == id;
    return count;
}

static void
a_stack_stands_there_as_often_as_its_weight_says(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ 0 }, "toy");
    struct vmp_stream stream = { 0 };
    const struct vmp_counters none = { 0 };
    const uint32_t light = node(encoder, 0, 8, CODE, 0),
                   heavy = node(encoder, 0, 12, CODE, 0),
                   gap = node(encoder, 0, 0, VMP_KIND_SYSTEM, 0);
    uint64_t written, unwritten;

    vmp_encoder_begin(encoder, &stream);
    sample(encoder, heavy, 7 * PERIOD_NS + PERIOD_NS / 2);
    sample(encoder, heavy, PERIOD_NS + PERIOD_NS / 2); /* makes one more */
    sample(encoder, light, PERIOD_NS / 10);            /* one all the same */
    for (unsigned i = 0; i < 9; i++)                   /* that is owed */
        sample(encoder, light, PERIOD_NS);
    vmp_encoder_gap(encoder, gap, 0, PERIOD_NS / 3, 0); /* none of these */
    vmp_encoder_gap(encoder, gap, 0, 5 * PERIOD_NS, 0);
    vmp_encoder_stats(encoder, 0, &none);
    vmp_encoder_finish(encoder);
    vmp_encoder_count(encoder, &written, &unwritten);
    end(encoder, &tape, &parsed);
    assert_int_equal(stacks_of(&parsed, 12), 9);
    assert_int_equal(stacks_of(&parsed, 8), 10);
    assert_int_equal(parsed.stack_count, 9 + 10 + 5);
    assert_int_equal(written, 12);
    assert_int_equal(unwritten, 0);
    assert_string_equal(meta_in(&parsed, "vmprof.repeats"), "7");
}

static void
time_without_a_sample_is_not_what_samples_owe(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ 0 }, "toy");
    struct vmp_stream stream = { 0 };
    const uint32_t of = node(encoder, 0, 8, CODE, 0),
                   gap = node(encoder, 0, 0, VMP_KIND_SYSTEM, 0);

    vmp_encoder_begin(encoder, &stream);
    for (unsigned i = 0; i < 20; i++) {
        vmp_encoder_gap(encoder, gap, 0, PERIOD_NS / 2, 0);
        sample(encoder, of, PERIOD_NS / 2);
    }
    end(encoder, &tape, &parsed);
    assert_int_equal(stacks_of(&parsed, 8), 20);
    assert_int_equal(parsed.stack_count, 30);
}

static void
text_that_is_no_utf8_does_not_cost_the_file(void **state)
{
    (void)state;
    struct tape tape = { .name = "t:\xff"
                                 "f\xc3:1:\xe2\x82\xac\xed\xa0\x80" };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ 0 }, "to\x80y");
    struct vmp_stream stream = { 0 };

    vmp_encoder_begin(encoder, &stream);
    sample(encoder, node(encoder, 0, 8, CODE, 0), PERIOD_NS);
    end(encoder, &tape, &parsed);
    assert_string_equal(parsed.vm, "to?y");
    assert_string_equal(name_in(&parsed, 8), "t:?f?:1:\xe2\x82\xac???");
}

static void
functions_that_begin_at_one_address_have_ids_of_their_own(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ .native = true }, "toy");
    const struct vmp_module_info module = { .path = "/x", .bias = 0 };
    struct vmp_stream stream = { 0 };
    const uint32_t index = vmp_encoder_module(encoder, &module);
    const int64_t one = vmp_encoder_address(encoder, 0, 0x1200),
                  other = vmp_encoder_address(encoder, index, 0x1200);

    vmp_encoder_begin(encoder, &stream);
    sample(encoder, (uint32_t)vmp_encoder_node(encoder, 0, (uint32_t)one),
           PERIOD_NS);
    sample(encoder, (uint32_t)vmp_encoder_node(encoder, 0, (uint32_t)other),
           PERIOD_NS);
    end(encoder, &tape, &parsed);
    assert_string_equal(name_in(&parsed, parsed.stacks[0].words[1]),
                        "n:g1200:0:-");
    assert_string_equal(name_in(&parsed, parsed.stacks[1].words[1]),
                        "n:g1200:0:/x");
}

static void
a_stack_is_cut_to_what_readers_take(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ 0 }, "toy");
    struct vmp_stream stream = { 0 };
    uint32_t at = 0;

    for (unsigned i = 0; i < 40000; i++)
        at = node(encoder, at, 8, CODE, 0);
    vmp_encoder_begin(encoder, &stream);
    sample(encoder, at, PERIOD_NS);
    sample(encoder, at, PERIOD_NS);
    end(encoder, &tape, &parsed);
    assert_int_equal(parsed.stack_count, 2);
    assert_in_range(parsed.stacks[0].depth, 65500, 65536);
    assert_int_equal(parsed.stacks[1].depth, parsed.stacks[0].depth);
    assert_non_null(name_in(&parsed, SYNTHETIC | 16 << 2));
    assert_in_range(tape.biggest, 1, 1 + (4 + 65536) * 8);
}

static void
what_a_sink_refuses_is_counted(void **state)
{
    (void)state;
    struct tape tape = { .fails_from = 2 };
    struct vmp_encoder *const encoder =
        start(&tape, (struct vmp_log_options){ 0 }, "toy");
    struct vmp_stream stream = { 0 };
    const uint32_t of = node(encoder, 0, 8, CODE, 0);
    uint64_t written, unwritten;

    vmp_encoder_begin(encoder, &stream);
    sample(encoder, of, PERIOD_NS);
    assert_int_equal(vmp_encoder_finish(encoder), 0);
    sample(encoder, of, 3 * PERIOD_NS);
    sample(encoder, of, PERIOD_NS);
    assert_int_equal(vmp_encoder_finish(encoder), -ENOSPC);
    vmp_encoder_count(encoder, &written, &unwritten);
    assert_int_equal(written, 1);
    assert_int_equal(unwritten, 2);
    vmp_encoder_free(encoder);
    free(tape.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_log_begins_with_its_header_and_ends_with_its_trailer),
        cmocka_unit_test(a_stack_is_pairs_from_the_innermost_frame_on),
        cmocka_unit_test(
            lines_stand_before_addresses_and_are_0_of_machine_code),
        cmocka_unit_test(
            a_vm_that_readers_know_by_name_has_pairs_whatever_is_wanted),
        cmocka_unit_test(
            kinds_that_no_reader_takes_are_code_and_what_is_no_code_has_a_name),
        cmocka_unit_test(a_trace_stands_before_the_code_in_it),
        cmocka_unit_test(a_stack_stands_there_as_often_as_its_weight_says),
        cmocka_unit_test(time_without_a_sample_is_not_what_samples_owe),
        cmocka_unit_test(text_that_is_no_utf8_does_not_cost_the_file),
        cmocka_unit_test(
            functions_that_begin_at_one_address_have_ids_of_their_own),
        cmocka_unit_test(a_stack_is_cut_to_what_readers_take),
        cmocka_unit_test(what_a_sink_refuses_is_counted),
    };

    return cmocka_run_group_tests_name("log_encoder", tests, NULL, NULL);
}
