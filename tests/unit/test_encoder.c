/* SPDX-License-Identifier: MIT */

/* What the encoder emits, read back by an independent reader. */

#include "suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "isolate.h"
#include "tape.h"

static struct vmp_encoder *
start(struct tape *tape)
{
    const struct vmp_session_info info = {
        .vm_name = "toy",
        .interval_ns = 1000000,
        .session = 77,
        .mode = 1,
        .clock = 3,
        .pid = 12,
        .max_frames = 1024,
    };
    const struct vmp_thread_info thread = { "main", 99, 0, 0, 0 };
    struct vmp_encoder *encoder;

    assert_int_equal(vmp_encoder_new(&encoder, record, name_of, tape), 0);
    assert_int_equal(vmp_encoder_open(encoder, &info), 0);
    assert_int_equal(vmp_encoder_thread(encoder, 0, &thread), 0);
    return encoder;
}

static uint64_t
unit(const struct decoded *decoded)
{
    return decoded->session.number[4];
}

static uint32_t
node(struct vmp_encoder *encoder, uint32_t parent, uint64_t code,
     const struct vmp_place *place)
{
    const int64_t frame = vmp_encoder_frame(encoder, code, place);
    const int64_t made = vmp_encoder_node(encoder, parent, (uint32_t)frame);

    assert_true(frame > 0 && made > 0);
    return (uint32_t)made;
}

static void
a_session_and_a_thread_say_what_they_were_told(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    const struct vmp_thread_info gone = { "gone", 7, 5000000, 0, 9000000 };
    const struct vmp_thread_info ended = { "gone", 7, 5000000, 8000000,
                                           9000000 };
    struct decoded d;

    vmp_encoder_thread(encoder, 1, &gone);
    vmp_encoder_thread(encoder, 1, &ended);
    vmp_encoder_end(encoder, 123456789);
    read_back(&tape, &d);
    assert_int_equal(d.session_number, 77);
    assert_string_equal(d.session.string[1], "toy");
    assert_null(d.session.string[3]);
    assert_int_equal(d.session.number[2], 1);
    assert_true(d.session.number[4] > 0);
    assert_int_equal(d.session.number[10], 1000000);
    assert_int_equal(d.session.number[12], 1);
    assert_int_equal(d.session.number[14], 3);
    assert_int_equal(d.thread_count, 2);
    assert_string_equal(d.threads[0].fields.string[1], "main");
    assert_int_equal(d.threads[0].fields.number[4], 99);
    assert_int_equal(d.threads[0].fields.number[8], 0);
    assert_int_equal(d.threads[1].fields.number[6], 5000000 / unit(&d));
    assert_int_equal(d.threads[1].fields.number[8], 8000000 / unit(&d) + 1);
    assert_int_equal(d.threads[1].fields.number[10], 9000000 / unit(&d));
    assert_true(d.ended);
    assert_int_equal(d.end_time, 123456789 / unit(&d));
    finish(encoder, &tape, &d);
}

static void
definitions_come_before_their_use_however_many_there_are(void **state)
{
    (void)state;
    struct tape tape = { .longest_name = 700 };
    struct vmp_encoder *const encoder = start(&tape);
    const uint32_t count = rounds(20000);
    struct vmp_stream stream = { 0 };
    struct decoded d;

    vmp_encoder_begin(encoder, &stream);
    for (uint32_t i = 1; i <= count; i++) {
        const struct vmp_place place = { i, i % 3 ? 0 : i, true };
        uint32_t n = node(encoder, 0, 4 * (uint64_t)(i % 500 + 1), &place);

        n = node(encoder, n, 4 * (uint64_t)i, &place);
        assert_int_equal(vmp_encoder_sample(encoder, n, (uint64_t)i * 1000000,
                                            1000000, 0, 0),
                         0);
    }
    assert_int_equal(vmp_encoder_finish(encoder), 0);
    read_back(&tape, &d);
    assert_int_equal(d.sample_count, count);
    for (uint32_t i = 1; i <= count; i++) {
        const struct decoded_sample *const sample = &d.samples[i - 1];
        uint32_t frames[2];

        assert_int_equal(decoded_stack(&d, sample->node, frames, 2), 2);
        assert_int_equal(d.frames[frames[0]].code, 4 * (i % 500 + 1));
        assert_int_equal(d.frames[frames[1]].code, 4 * i);
        assert_int_equal(d.frames[frames[1]].offset, i);
        assert_int_equal(d.frames[frames[1]].line, i % 3 ? 0 : i);
        assert_int_equal(sample->time, (uint64_t)i * 1000000 / unit(&d));
    }
    assert_int_equal(d.code_count, count > 500 ? count : 501);
    finish(encoder, &tape, &d);
}

/* All lists are half full when the samples are sent. */
static void
definitions_come_first_when_one_chunk_cannot_hold_all(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    const struct vmp_place none = { 0 };
    struct vmp_stream stream = { 0 };
    struct decoded d;

    vmp_encoder_begin(encoder, &stream);
    for (uint32_t i = 1; i <= 3000; i++) {
        const uint32_t n = node(encoder, 0, 4 * (uint64_t)i, &none);

        vmp_encoder_sample(encoder, n, (uint64_t)i * 1000000, 1000000, 0, 0);
    }
    assert_int_equal(vmp_encoder_finish(encoder), 0);
    assert_true(tape.size > 65536);
    read_back(&tape, &d);
    assert_int_equal(d.sample_count, 3000);
    finish(encoder, &tape, &d);
}

static void
equal_places_are_one_frame_and_offset_0_is_not_none(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    const struct vmp_place none = { 0 }, zero = { 0, 0, true },
                           line = { 0, 9, true };
    const uint64_t jitted = 4 | (uint64_t)3 << 56;
    const int64_t plain = vmp_encoder_frame(encoder, 4, &none);

    assert_int_equal(vmp_encoder_frame(encoder, 4, &none), plain);
    assert_int_not_equal(vmp_encoder_frame(encoder, 4, &zero), plain);
    assert_int_not_equal(vmp_encoder_frame(encoder, jitted, &none), plain);
    assert_int_equal(vmp_encoder_find_frame(encoder, 4, 1234), -ENOENT);
    const int64_t placed = vmp_encoder_add_frame(encoder, 4, 1234, &line);
    assert_int_equal(vmp_encoder_find_frame(encoder, 4, 1234), placed);
    assert_int_equal(vmp_encoder_find_frame(encoder, jitted, 1234), -ENOENT);
    /* Two positions in one place. */
    assert_int_equal(vmp_encoder_add_frame(encoder, 4, 1235, &line), placed);
    assert_int_equal(vmp_encoder_frame(encoder, 4, &line), placed);
    vmp_encoder_free(encoder);
    free(tape.bytes);
}

static void
machine_code_is_a_frame_of_a_module_that_comes_before_it(void **state)
{
    (void)state;
    const unsigned char id[] = { 0xca, 0xfe, 0xba, 0xbe };
    const struct vmp_module_info libc = { "/lib/libc.so", id,     sizeof(id),
                                          0x7f0000001000, 0x5000, 0x1000,
                                          0x7f0000000000 };
    const struct vmp_module_info vdso = { .path = "[vdso]", .start = 4096 };
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    struct vmp_stream stream = { 0 };
    int64_t f, g, jitted;
    uint32_t n;
    struct decoded d;

    vmp_encoder_begin(encoder, &stream);
    assert_int_equal(vmp_encoder_module(encoder, &libc), 1);
    assert_int_equal(vmp_encoder_module(encoder, &vdso), 2);
    f = vmp_encoder_address(encoder, 1, 0x1234);
    g = vmp_encoder_address(encoder, 2, 0x1234);
    jitted = vmp_encoder_address(encoder, 0, UINT64_MAX);
    assert_true(f > 0 && g > 0 && jitted > 0 && f != g && g != jitted);
    assert_int_equal(vmp_encoder_address(encoder, 1, 0x1234), f);
    n = (uint32_t)vmp_encoder_node(encoder, 0, (uint32_t)f);
    n = (uint32_t)vmp_encoder_node(encoder, n, (uint32_t)g);
    n = (uint32_t)vmp_encoder_node(encoder, n, (uint32_t)jitted);
    vmp_encoder_sample(encoder, n, 1000, 1000, 0, 0);
    assert_int_equal(vmp_encoder_finish(encoder), 0);
    read_back(&tape, &d);
    assert_int_equal(d.module_count, 3);
    assert_string_equal(d.modules[1].string[1], "/lib/libc.so");
    assert_memory_equal(d.modules[1].string[3], id, sizeof(id));
    assert_int_equal(d.modules[1].number[2], 0x7f0000001000);
    assert_int_equal(d.modules[1].number[4], 0x5000);
    assert_int_equal(d.modules[1].number[6], 0x1000);
    assert_int_equal(d.modules[1].number[8], 0x7f0000000000);
    assert_null(d.modules[2].string[3]);
    assert_int_equal(d.frame_count, 4);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(d.frames[i].kind, 10);
        assert_int_equal(d.frames[i].module, i % 3);
        assert_int_equal(d.frames[i].offset, i < 3 ? 0x1234 : UINT64_MAX);
    }
    finish(encoder, &tape, &d);
}

static void
modules_come_before_their_use_however_many_there_are(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    const uint32_t count = rounds(400);
    char path[1000];
    struct vmp_module_info info = { .path = path };
    struct vmp_stream stream = { 0 };
    struct decoded d;

    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    vmp_encoder_begin(encoder, &stream);
    for (uint32_t i = 1; i <= count; i++) {
        info.start = i;
        assert_int_equal(vmp_encoder_module(encoder, &info), i);
        vmp_encoder_sample(
            encoder,
            (uint32_t)vmp_encoder_node(
                encoder, 0, (uint32_t)vmp_encoder_address(encoder, i, i)),
            i * 1000, 1000, 0, 0);
    }
    assert_int_equal(vmp_encoder_finish(encoder), 0);
    read_back(&tape, &d);
    assert_int_equal(d.module_count, count + 1);
    for (uint32_t i = 1; i <= count; i++) {
        const struct decoded_node *const n = &d.nodes[d.samples[i - 1].node];

        assert_int_equal(d.frames[n->frame].module, i);
        assert_int_equal(d.modules[i].number[2], i);
    }
    finish(encoder, &tape, &d);
}

/* Weights near, far above and far below the time that passes. */
static void
weights_add_up_to_within_two_units_at_every_sample(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    const unsigned count = rounds(50000);
    const struct vmp_place none = { 0 };
    const uint32_t n = node(encoder, 0, 4, &none);
    struct vmp_stream stream = { 0 };
    uint64_t random = 1181783497276652981, time = 0, total = 0, read = 0;
    uint64_t *const totals = calloc(count, sizeof(*totals));
    struct decoded d;

    vmp_encoder_begin(encoder, &stream);
    for (unsigned i = 0; i < count; i++) {
        const uint64_t passed = draw(&random) % 2000000;
        const unsigned manner = i / 1000 % 4;

        time += passed;
        total += manner == 0   ? passed - passed % 3
                 : manner == 1 ? draw(&random) % 1500
                 : manner == 2 ? passed * 5
                               : (i % 100 ? 0 : 100 * passed);
        totals[i] = total;
        vmp_encoder_sample(encoder, n, time, total - (i ? totals[i - 1] : 0), 0,
                           0);
        if (i % 777 == 0) {
            vmp_encoder_finish(encoder);
            vmp_encoder_begin(encoder, &stream);
        }
    }
    vmp_encoder_finish(encoder);
    read_back(&tape, &d);
    assert_int_equal(d.sample_count, count);
    for (unsigned i = 0; i < count; i++) {
        read += d.samples[i].weight * unit(&d);
        assert_in_range(read + 2 * unit(&d) - totals[i], 0, 4 * unit(&d));
    }
    free(totals);
    finish(encoder, &tape, &d);
}

static void
phases_and_states_hold_until_they_change_and_start_anew_in_a_chunk(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    struct vmp_stream stream = { 0 };
    const unsigned count = 200;
    struct decoded d;

    vmp_encoder_begin(encoder, &stream);
    for (unsigned i = 0; i < count; i++) {
        vmp_encoder_sample(encoder, 0, i * 1000, 1000, i / 3 % 8, i / 5 % 4);
        if (i % 41 == 40) {
            vmp_encoder_finish(encoder);
            vmp_encoder_begin(encoder, &stream);
        }
    }
    vmp_encoder_finish(encoder);
    read_back(&tape, &d);
    assert_int_equal(d.payloads[6], count / 41 + 1);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(d.samples[i].phase, i / 3 % 8);
        assert_int_equal(d.samples[i].state, i / 5 % 4);
        assert_int_equal(d.samples[i].node, 0);
    }
    finish(encoder, &tape, &d);
}

static void
the_largest_numbers_do_no_harm(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    const uint64_t code = ((uint64_t)1 << 56) - 4;
    const struct vmp_place place = { UINT64_MAX, UINT32_MAX, true };
    const struct vmp_counters counters = { .expirations = UINT64_MAX,
                                           .sampled_ns = UINT64_MAX,
                                           .native_cut = UINT64_MAX,
                                           .native_failed = 7 };
    struct vmp_stream stream = { 0 };
    struct decoded d;
    const uint32_t n = node(encoder, 0, code | (uint64_t)7 << 56, &place);

    vmp_encoder_begin(encoder, &stream);
    vmp_encoder_sample(encoder, n, (uint64_t)INT64_MAX, (uint64_t)INT64_MAX,
                       255, 255);
    vmp_encoder_sample(encoder, n, 0, 0, 0, 0); /* time never runs back */
    vmp_encoder_finish(encoder);
    vmp_encoder_stats(encoder, UINT64_MAX, &counters);
    read_back(&tape, &d);
    assert_int_equal(d.frames[1].code, code);
    assert_int_equal(d.frames[1].kind, 7);
    assert_int_equal(d.frames[1].line, UINT32_MAX);
    assert_int_equal(d.frames[1].offset, UINT64_MAX);
    assert_int_equal(d.samples[0].time, (uint64_t)INT64_MAX / unit(&d));
    assert_int_equal(d.samples[1].time, (uint64_t)INT64_MAX / unit(&d));
    assert_int_equal(d.stats.number[4], UINT64_MAX);
    assert_int_equal(d.stats.number[26], UINT64_MAX);
    assert_int_equal(d.stats.number[36], UINT64_MAX);
    assert_int_equal(d.stats.number[38], 7);
    finish(encoder, &tape, &d);
}

static void
what_the_sink_refuses_is_reported_and_counted(void **state)
{
    (void)state;
    struct tape tape = { .fails_from = 2 };
    struct vmp_encoder *const encoder = start(&tape);
    const struct vmp_place none = { 0 };
    struct vmp_stream stream = { 0 };
    uint64_t written, unwritten;
    struct decoded d;

    vmp_encoder_begin(encoder, &stream);
    vmp_encoder_sample(encoder, node(encoder, 0, 4, &none), 1000, 1000, 0, 0);
    assert_int_equal(vmp_encoder_finish(encoder), -ENOSPC);
    vmp_encoder_begin(encoder, &stream);
    vmp_encoder_sample(encoder, 0, 2000, 1000, 0, 0);
    vmp_encoder_sample(encoder, 0, 3000, 1000, 0, 0);
    assert_int_equal(vmp_encoder_finish(encoder), -ENOSPC);
    vmp_encoder_count(encoder, &written, &unwritten);
    assert_int_equal(written, 0);
    assert_int_equal(unwritten, 3);
    assert_int_equal(vmp_encoder_end(encoder, 1), -ENOSPC);
    read_back(&tape, &d);
    assert_int_equal(d.sample_count, 0);
    finish(encoder, &tape, &d);
}

static void
a_string_that_no_chunk_can_hold_is_left_out(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    char *const huge = calloc(1, 70000);
    struct vmp_thread_info thread = { huge, 1, 0, 0, 0 };
    struct vmp_encoder *const encoder = start(&tape);
    struct decoded d;

    memset(huge, 'n', 69999);
    vmp_encoder_thread(encoder, 0, &thread);
    read_back(&tape, &d);
    assert_null(d.threads[0].fields.string[1]);
    assert_int_equal(d.threads[0].fields.number[4], 1);
    free(huge);
    finish(encoder, &tape, &d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_and_a_thread_say_what_they_were_told),
        cmocka_unit_test(
            definitions_come_before_their_use_however_many_there_are),
        cmocka_unit_test(definitions_come_first_when_one_chunk_cannot_hold_all),
        cmocka_unit_test(equal_places_are_one_frame_and_offset_0_is_not_none),
        cmocka_unit_test(
            machine_code_is_a_frame_of_a_module_that_comes_before_it),
        cmocka_unit_test(modules_come_before_their_use_however_many_there_are),
        cmocka_unit_test(weights_add_up_to_within_two_units_at_every_sample),
        cmocka_unit_test(
            phases_and_states_hold_until_they_change_and_start_anew_in_a_chunk),
        cmocka_unit_test(the_largest_numbers_do_no_harm),
        cmocka_unit_test(what_the_sink_refuses_is_reported_and_counted),
        cmocka_unit_test(a_string_that_no_chunk_can_hold_is_left_out),
    };

    return cmocka_run_group_tests_name("encoder", tests, NULL, NULL);
}
