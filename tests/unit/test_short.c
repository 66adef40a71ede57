/* SPDX-License-Identifier: MIT */

#include "suite.h"

/* Both ways to fill a block, whatever this machine would take. */
#include "read/native_short.c"

#include <stdlib.h>

#include "format/varint.h"

/* What begins at `at`, byte by byte. Returns its size, or 0 for no short one. */
static size_t
read_plainly(const unsigned char *at, uint64_t *node, uint64_t *elapsed,
             uint64_t *weight)
{
    const unsigned char *const start = at, *const end = at + 40;
    const unsigned char *body;
    uint64_t head, off = 0;

    if (!vmp_get_varint(&at, end, &head) || head < 2)
        return 0;
    body = at;
    if (!vmp_get_varint(&at, end, elapsed))
        return 0;
    if (head & 1 && !vmp_get_varint(&at, end, &off))
        return 0;
    *node = head >> 1;
    *weight = *elapsed + (uint64_t)vmp_unzigzag(off);
    if (body - start > 2 || at - body > 1 + (ptrdiff_t)(head & 1) ||
        (int64_t)*weight < 0)
        return 0;
    return (size_t)(at - start);
}

static void
check_block(const struct short_block *block, const unsigned char *bytes)
{
    for (unsigned i = 0; i < SHORT_BLOCK; i++) {
        uint64_t node, elapsed, weight;
        const size_t size = read_plainly(bytes + i, &node, &elapsed, &weight);

        assert_int_equal(block->size[i], size);
        if (!size)
            continue;
        assert_int_equal(block->node[i], node);
        assert_int_equal(block->elapsed[i], elapsed);
        assert_int_equal(block->weight[i], weight);
    }
}

static void
check_many(fill_function fill_with)
{
    static struct short_block block;
    unsigned char bytes[BYTES + 40];

    srand(1);
    for (unsigned round = 0; round < 500; round++) {
        /* From all bytes to those without a top bit, or small ones. */
        const int mask = round % 3 == 0 ? 0xff : round % 3 == 1 ? 0x7f : 0x83;

        for (unsigned i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)(rand() >> 8 & mask);
        fill_with(&block, bytes, bytes + 1, bytes + 2, bytes + 3);
        check_block(&block, bytes);
    }
}

static void
a_block_holds_what_begins_at_each_of_its_bytes(void **state)
{
    (void)state;
    check_many(fill_anywhere);
    check_many(best_fill());
}

static void
a_block_at_the_end_reads_nothing_beyond(void **state)
{
    (void)state;
    for (size_t size = 0; size < BYTES + 9; size++) {
        unsigned char *bytes = malloc(size + 1);
        const size_t whole = size < 3 ? 0 : size - 3;
        struct short_block block;

        assert_non_null(bytes);
        memset(bytes, 2, size + 1);
        short_block_fill(&block, bytes + 1, bytes + 1 + size);
        assert_int_equal(block.count,
                         whole < SHORT_BLOCK ? whole : SHORT_BLOCK);
        for (unsigned i = 0; i < block.count; i++)
            assert_int_equal(block.size[i], 2);
        free(bytes);
    }
}

static void
a_stretch_never_holds_more_samples_than_are_left(void **state)
{
    const struct short_block block = { .count = 100 };

    (void)state;
    assert_int_equal(short_block_end(&block, 10, 1), 11);
    assert_int_equal(short_block_end(&block, 10, 2), 13);
    assert_int_equal(short_block_end(&block, 10, 45), 99);
    assert_int_equal(short_block_end(&block, 10, 46), 100);
    assert_int_equal(short_block_end(&block, 10, UINT64_MAX), 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_holds_what_begins_at_each_of_its_bytes),
        cmocka_unit_test(a_block_at_the_end_reads_nothing_beyond),
        cmocka_unit_test(a_stretch_never_holds_more_samples_than_are_left),
    };

    return cmocka_run_group_tests_name("short", tests, NULL, NULL);
}
