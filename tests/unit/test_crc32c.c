/* SPDX-License-Identifier: MIT */

#include "suite.h"

#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

#include "decode.h"
#include "format/crc32c.h"

/* The linker puts it between the two ways. */
uint32_t
__wrap_vmp_crc32c_portable(const void *data, size_t size);
uint32_t
__real_vmp_crc32c_portable(const void *data, size_t size);

static unsigned by_tables;

uint32_t
__wrap_vmp_crc32c_portable(const void *data, size_t size)
{
    by_tables++;
    return __real_vmp_crc32c_portable(data, size);
}

static bool
has_instruction(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("sse4.2");
#elif defined(__aarch64__)
    return getauxval(AT_HWCAP) & HWCAP_CRC32;
#else
    return false;
#endif
}

/* From RFC 3720, B.4, and the usual check value. */
static void
known_vectors_come_out(void **state)
{
    (void)state;
    unsigned char bytes[32];

    assert_int_equal(vmp_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(vmp_crc32c("", 0), 0);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(vmp_crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(vmp_crc32c(bytes, 32), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(vmp_crc32c(bytes, 32), 0x46dd794e);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(vmp_crc32c(bytes, 32), 0x113fdb5c);
}

static void
tables_and_instruction_agree_at_every_length_and_alignment(void **state)
{
    (void)state;
    unsigned char bytes[1024 + 16];
    uint64_t random = 4101842887655102017;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)draw(&random);
    for (size_t start = 0; start < 16; start++)
        for (size_t size = 0; size <= 1024; size += size < 80 ? 1 : 37) {
            const uint32_t crc = decode_crc32c(bytes + start, size);

            assert_int_equal(vmp_crc32c(bytes + start, size), crc);
            assert_int_equal(vmp_crc32c_portable(bytes + start, size), crc);
        }
}

static void
tables_are_used_only_where_there_is_no_instruction(void **state)
{
    (void)state;
    by_tables = 0;
    assert_int_equal(vmp_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(by_tables, has_instruction() ? 0 : 1);
    vmp_crc32c_portable("123456789", 9);
    assert_int_equal(by_tables, has_instruction() ? 1 : 2);
}

static void
every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    unsigned char bytes[200] = { 1, 2, 3 };
    const uint32_t crc = vmp_crc32c(bytes, sizeof(bytes));

    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_not_equal(vmp_crc32c(bytes, sizeof(bytes)), crc);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors_come_out),
        cmocka_unit_test(
            tables_and_instruction_agree_at_every_length_and_alignment),
        cmocka_unit_test(tables_are_used_only_where_there_is_no_instruction),
        cmocka_unit_test(every_flipped_bit_is_noticed),
    };

    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
