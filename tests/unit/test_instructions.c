/* SPDX-License-Identifier: MIT */

/* Machine code of no file: as many addresses as a session has room for. */

#include "suite.h"

#include "record/instructions.h"
#include "tape.h"

enum {
    NOWHERE = 0x1000, /* the kernel maps nothing so low */
};

static struct vmp_encoder *
start(struct tape *tape)
{
    const struct vmp_session_info info = { .interval_ns = 1000000 };
    const struct vmp_thread_info thread = { "main", 99, 0, 0, 0 };
    struct vmp_encoder *encoder;

    assert_int_equal(vmp_encoder_new(&encoder, record, name_of, tape), 0);
    assert_int_equal(vmp_encoder_open(encoder, &info), 0);
    assert_int_equal(vmp_encoder_thread(encoder, 0, &thread), 0);
    return encoder;
}

static struct vmp_instruction
at(struct vmp_instructions *known, uint64_t address)
{
    return *vmp_instruction_at(known, address);
}

static void
addresses_of_no_file_are_bounded_and_the_others_are_lost(void **state)
{
    (void)state;
    static struct vmp_instructions known;
    const struct vmp_module_info file = { .path = "/lib/libc.so" };
    struct tape tape = { 0 };
    struct vmp_encoder *const encoder = start(&tape);
    const uint64_t beyond = NOWHERE + VMP_MOST_ADDRESSES;
    struct vmp_stream stream = { 0 };
    uint32_t lost;
    struct decoded d;

    assert_int_equal(vmp_instructions_new(&known, encoder), 0);
    for (uint64_t address = NOWHERE; address < beyond; address++) {
        assert_false(at(&known, address).is_lost);
        assert_int_equal(at(&known, address).frame, address - NOWHERE + 1);
    }
    assert_true(at(&known, beyond).is_lost);
    lost = at(&known, beyond).frame;
    assert_int_equal(lost, VMP_MOST_ADDRESSES + 1);
    assert_true(at(&known, UINT64_MAX).is_lost);
    assert_int_equal(at(&known, UINT64_MAX).frame, lost);
    /* What has a frame keeps it, and files have room. */
    assert_false(at(&known, NOWHERE + 5).is_lost);
    assert_int_equal(at(&known, NOWHERE + 5).frame, 6);
    assert_int_equal(vmp_encoder_module(encoder, &file), 1);
    assert_int_equal(vmp_encoder_address(encoder, 1, 7), lost + 1);

    /* Definitions come with a sample. */
    vmp_encoder_begin(encoder, &stream);
    assert_int_equal(vmp_encoder_sample(
                         encoder, (uint32_t)vmp_encoder_node(encoder, 0, lost),
                         1000, 1000, 0, 0),
                     0);
    assert_int_equal(vmp_encoder_finish(encoder), 0);
    assert_int_equal(vmp_encoder_end(encoder, 5), 0);
    read_back(&tape, &d);
    assert_int_equal(d.frame_count, lost + 2);
    assert_int_equal(d.frames[lost].offset, 0);
    decoded_free(&d);
    vmp_instructions_free(&known);
    vmp_encoder_free(encoder);
    free(tape.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            addresses_of_no_file_are_bounded_and_the_others_are_lost),
    };

    return cmocka_run_group_tests_name("instructions", tests, NULL, NULL);
}
