/* SPDX-License-Identifier: MIT */

#include "suite.h"

#include "format/varint.h"

static const uint64_t LIMITS[] = {
    0,
    1,
    127,
    128,
    16383,
    16384,
    0x7fffffff,
    0xffffffff,
    0x100000000,
    ((uint64_t)1 << 56) - 1,
    INT64_MAX,
    (uint64_t)1 << 63,
    UINT64_MAX - 1,
    UINT64_MAX,
};

static uint64_t
there_and_back(uint64_t value, size_t *size)
{
    unsigned char bytes[VMP_VARINT_MAX];
    const unsigned char *at = bytes;
    uint64_t out = ~value;

    *size = (size_t)(vmp_put_varint(bytes, value) - bytes);
    assert_true(vmp_get_varint(&at, bytes + *size, &out));
    assert_ptr_equal(at, bytes + *size);
    return out;
}

static void
every_number_comes_back_in_as_few_bytes_as_it_needs(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252, random = seed;
    size_t size;

    for (size_t i = 0; i < LENGTH(LIMITS); i++)
        assert_int_equal(there_and_back(LIMITS[i], &size), LIMITS[i]);
    for (unsigned i = 0; i < 20000; i++) {
        const unsigned bits = (unsigned)(draw(&random) % 64) + 1;
        const uint64_t value =
            (draw(&random) >> (64 - bits)) | (uint64_t)1 << (bits - 1);

        assert_int_equal(there_and_back(value, &size), value);
        assert_int_equal(size, (bits + 6) / 7);
    }
}

static void
a_varint_that_is_cut_off_is_refused_and_moves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(LIMITS); i++) {
        unsigned char bytes[VMP_VARINT_MAX];
        const size_t size = (size_t)(vmp_put_varint(bytes, LIMITS[i]) - bytes);

        for (size_t cut = 0; cut < size; cut++) {
            const unsigned char *at = bytes;
            uint64_t out = 42;

            assert_false(vmp_get_varint(&at, bytes + cut, &out));
            assert_ptr_equal(at, bytes);
            assert_int_equal(out, 42);
        }
    }
}

static void
more_than_64_bits_are_refused(void **state)
{
    (void)state;
    const unsigned char tenth_is_2[] = { 0xff, 0xff, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff, 0x02 };
    const unsigned char eleven[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                     0x80, 0x80, 0x80, 0x80, 0x00 };
    const unsigned char *at = tenth_is_2;
    uint64_t out;

    assert_false(vmp_get_varint(&at, at + sizeof(tenth_is_2), &out));
    at = eleven;
    assert_false(vmp_get_varint(&at, at + sizeof(eleven), &out));
}

static void
zigzag_keeps_small_numbers_of_both_signs_small(void **state)
{
    (void)state;
    const int64_t values[] = { 0, -1, 1, -2, 2, -64, 63, INT64_MAX, INT64_MIN };

    for (int64_t i = 0; i < 5; i++)
        assert_int_equal(vmp_zigzag(values[i]), i);
    for (size_t i = 0; i < LENGTH(values); i++)
        assert_int_equal(vmp_unzigzag(vmp_zigzag(values[i])), values[i]);
    assert_int_equal(vmp_zigzag(INT64_MIN), UINT64_MAX);
}

static void
fixed_integers_are_little_endian(void **state)
{
    (void)state;
    unsigned char bytes[4];

    vmp_put_u32(bytes, 0x04030201);
    assert_memory_equal(bytes, "\1\2\3\4", 4);
    assert_int_equal(vmp_get_u32(bytes), 0x04030201);
    vmp_put_u16(bytes, 0x0807);
    assert_memory_equal(bytes, "\7\10", 2);
    assert_int_equal(vmp_get_u16(bytes), 0x0807);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_comes_back_in_as_few_bytes_as_it_needs),
        cmocka_unit_test(a_varint_that_is_cut_off_is_refused_and_moves_nothing),
        cmocka_unit_test(more_than_64_bits_are_refused),
        cmocka_unit_test(zigzag_keeps_small_numbers_of_both_signs_small),
        cmocka_unit_test(fixed_integers_are_little_endian),
    };

    return cmocka_run_group_tests_name("varint", tests, NULL, NULL);
}
