/* SPDX-License-Identifier: MIT */

/* Rows of bytecodes and types as the encoder emits them, read back by an
 * independent reader. */

#include "suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/sites.h"
#include "isolate.h"
#include "tape.h"

static struct vmp_encoder *
start(struct tape *tape, const struct vmp_readout *readout)
{
    const struct vmp_session_info info = { .interval_ns = 1000000 };
    struct vmp_encoder *encoder;

    assert_int_equal(vmp_encoder_new(&encoder, record, name_of, tape), 0);
    assert_int_equal(vmp_encoder_open(encoder, &info), 0);
    vmp_encoder_begin_sites(encoder, readout);
    return encoder;
}

static uint32_t
type(struct vmp_encoder *encoder, uint64_t id, const char *name)
{
    const int64_t word = vmp_encoder_word(encoder, VMP_WORD_TYPE, id, name);

    assert_true(word > 0);
    return (uint32_t)word;
}

static void
a_row_says_what_it_was_told(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    const struct vmp_readout readout = { 5000000000, 3000000000, 1000, true };
    struct vmp_encoder *const encoder = start(&tape, &readout);
    struct decoded d;
    const uint32_t number = type(encoder, 7, "int");
    const struct vmp_tuple_info tuples[] = {
        { 1ull << 50, 2, { number, 0 } },
        { 3, 1, { type(encoder, 9, "list") } },
    };
    const struct vmp_site_info site = {
        .code = 40,
        .name = "t:f40:1:",
        .has_place = true,
        .offset = 1ull << 60,
        .opcode = 0xffffffff,
        .opname =
            (uint32_t)vmp_encoder_word(encoder, VMP_WORD_OPCODE, 7, "ADD"),
        .line = 12,
        .hash = UINT64_MAX,
        .untyped = 5,
        .other = 1ull << 62,
        .bytecodes = (1ull << 62) + (1ull << 51),
        .tuple_count = 2,
        .tuples = tuples,
    };

    assert_int_equal(vmp_encoder_site(encoder, &site), 0);
    assert_int_equal(vmp_encoder_finish_sites(encoder), 0);
    read_back(&tape, &d);
    assert_int_equal(d.site_count, 1);
    const struct decoded_site *const row = d.sites;
    assert_int_equal(row->time, 5000000000 / d.session.number[4]);
    assert_int_equal(row->from, 3000000000 / d.session.number[4]);
    assert_int_equal(row->period, 1000);
    assert_int_equal(row->jitter, 1);
    assert_int_equal(row->code, 40);
    assert_string_equal(decoded_name(&d, 40), "t:f40:1:");
    assert_int_equal(row->bits, 15);
    assert_int_equal(row->offset, 1ull << 60);
    assert_int_equal(row->opcode, 0xffffffff);
    assert_int_equal(row->line, 12);
    assert_string_equal(d.words[row->opname], "ADD");
    assert_int_equal(row->hash, UINT64_MAX);
    assert_int_equal(row->untyped, 5);
    assert_int_equal(row->other, 1ull << 62);
    assert_int_equal(row->typed, (1ull << 50) + 3);
    assert_int_equal(row->bytecodes, (1ull << 62) + (1ull << 51));
    assert_int_equal(row->tuple_count, 2);
    assert_int_equal(row->tuples[0].count, 2);
    assert_string_equal(d.words[row->tuples[0].words[0]], "int");
    assert_int_equal(row->tuples[0].words[1], 0);
    assert_int_equal(row->tuples[0].hits, 1ull << 50);
    assert_string_equal(d.words[row->tuples[1].words[0]], "list");
    finish(encoder, &tape, &d);
}

static void
a_row_without_a_place_has_only_hits(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    const struct vmp_readout readout = { .period = 1 };
    struct vmp_encoder *const encoder = start(&tape, &readout);
    const struct vmp_site_info site = {
        .offset = 3, .line = 4, .hash = 5, .untyped = 6, .bytecodes = 6
    };
    struct decoded d;

    assert_int_equal(vmp_encoder_site(encoder, &site), 0);
    assert_int_equal(vmp_encoder_finish_sites(encoder), 0);
    read_back(&tape, &d);
    assert_int_equal(d.site_count, 1);
    assert_int_equal(d.sites[0].code, 0);
    assert_int_equal(d.sites[0].bits, 0);
    assert_int_equal(d.sites[0].untyped, 6);
    assert_int_equal(d.code_count, 0);
    finish(encoder, &tape, &d);
}

static void
nothing_to_say_is_no_chunk(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    const struct vmp_readout readout = { .period = 1 };
    struct vmp_encoder *const encoder = start(&tape, &readout);
    struct decoded d;

    assert_int_equal(vmp_encoder_finish_sites(encoder), 0);
    read_back(&tape, &d);
    assert_int_equal(d.payloads[12], 0);
    finish(encoder, &tape, &d);
}

static void
words_are_written_once_and_told_apart_by_kind(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    const struct vmp_readout readout = { .period = 1 };
    struct vmp_encoder *const encoder = start(&tape, &readout);
    char longest[2000];
    const struct vmp_tuple_info tuple = { 1, 1, { type(encoder, 1, "a") } };
    const struct vmp_site_info site = { .code = 4,
                                        .name = "t:f4:1:",
                                        .has_place = true,
                                        .bytecodes = 1,
                                        .tuple_count = 1,
                                        .tuples = &tuple };
    struct decoded d;

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    assert_int_equal(type(encoder, 1, "never looked at"), 1);
    assert_int_equal(vmp_encoder_word(encoder, VMP_WORD_OPCODE, 1, "b"), 2);
    assert_int_equal(type(encoder, 2, longest), 3);
    vmp_encoder_site(encoder, &site);
    vmp_encoder_finish_sites(encoder);
    assert_int_equal(type(encoder, 3, "d"), 4);
    vmp_encoder_begin_sites(encoder, &readout);
    vmp_encoder_site(encoder, &site);
    vmp_encoder_finish_sites(encoder);
    read_back(&tape, &d);
    assert_int_equal(d.word_count, 5);
    assert_string_equal(d.words[1], "a");
    assert_string_equal(d.words[2], "b");
    assert_int_equal(strlen(d.words[3]), 1023);
    assert_string_equal(d.words[4], "d");
    assert_int_equal(d.site_count, 2);
    assert_int_equal(d.code_count, 1);
    finish(encoder, &tape, &d);
}

static void
a_read_out_of_any_size_is_in_chunks_that_fit(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    const struct vmp_readout readout = { 9000000000, 0, 7, false };
    struct vmp_encoder *const encoder = start(&tape, &readout);
    struct vmp_tuple_info tuples[VMP_TUPLES_MAX];
    struct decoded d;

    for (uint32_t i = 0; i < VMP_TUPLES_MAX; i++) {
        tuples[i] = (struct vmp_tuple_info){ UINT32_MAX, 8, { 0 } };
        for (uint32_t j = 0; j < 8; j++) {
            char name[16];

            snprintf(name, sizeof(name), "type%u", i * 8 + j);
            tuples[i].words[j] = type(encoder, i * 8 + j, name);
        }
    }
    for (uint64_t i = 0; i < 2000; i++) {
        const struct vmp_site_info site = {
            .code = 4 + 4 * (i / 10),
            .name = "t:f:1:",
            .has_place = true,
            .offset = i,
            .hash = UINT64_MAX - i,
            .bytecodes = UINT64_MAX / 2,
            .tuple_count = VMP_TUPLES_MAX,
            .tuples = tuples,
        };

        assert_int_equal(vmp_encoder_site(encoder, &site), 0);
    }
    assert_int_equal(vmp_encoder_finish_sites(encoder), 0);
    read_back(&tape, &d);
    assert_int_equal(d.site_count, 2000);
    assert_true(d.payloads[12] > 10);
    for (uint64_t i = 0; i < 2000; i++) {
        assert_int_equal(d.sites[i].time, d.sites[0].time);
        assert_int_equal(d.sites[i].offset, i);
        assert_int_equal(d.sites[i].typed,
                         (uint64_t)VMP_TUPLES_MAX * UINT32_MAX);
        assert_string_equal(d.words[d.sites[i].tuples[63].words[7]], "type511");
    }
    finish(encoder, &tape, &d);
}

static void
what_the_sink_refuses_is_reported(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    const struct vmp_readout readout = { .period = 1 };
    struct vmp_encoder *const encoder = start(&tape, &readout);
    const struct vmp_site_info site = {
        .code = 4, .name = "t:f:1:", .has_place = true
    };
    struct decoded d;

    assert_true(tape.chunks > 0);
    tape.fails_from = tape.chunks;
    assert_int_equal(vmp_encoder_site(encoder, &site), 0);
    assert_int_equal(vmp_encoder_finish_sites(encoder), -ENOSPC);
    read_back(&tape, &d);
    assert_int_equal(d.site_count, 0);
    finish(encoder, &tape, &d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_says_what_it_was_told),
        cmocka_unit_test(a_row_without_a_place_has_only_hits),
        cmocka_unit_test(nothing_to_say_is_no_chunk),
        cmocka_unit_test(words_are_written_once_and_told_apart_by_kind),
        cmocka_unit_test(a_read_out_of_any_size_is_in_chunks_that_fit),
        cmocka_unit_test(what_the_sink_refuses_is_reported),
    };

    return cmocka_run_group_tests_name("encoder_sites", tests, NULL, NULL);
}
