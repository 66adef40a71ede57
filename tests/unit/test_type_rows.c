/* SPDX-License-Identifier: MIT */

/* Rows of types as JSON: what flows through the buffer, and the scaling. */

#include "suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/type_rows.h"

struct tape {
    char *text;
    size_t size, writes;
    int error; /* of every write but the first */
};

static int
record(void *user, const void *data, size_t size)
{
    struct tape *const tape = user;

    if (tape->error && tape->writes)
        return tape->error;
    tape->text = realloc(tape->text, tape->size + size + 1);
    memcpy(tape->text + tape->size, data, size);
    tape->size += size;
    tape->text[tape->size] = '\0';
    tape->writes++;
    return 0;
}

static const char *const pair[] = { "int", "float" };
static const struct vmp_rows_tuple tuple = { 3, pair, 2 };

static int
write_sites(struct tape *tape, const char *function, unsigned count)
{
    const struct vmp_rows_origin origin = { .host = "h" };
    const struct vmp_rows_code code = { .function = function, .hash = 5 };
    const struct vmp_rows_site site = {
        .opcode_name = "ADD",
        .offset = 7,
        .untyped = 1,
        .bytecodes = 8,
        .tuples = &tuple,
        .tuple_count = 1,
    };
    struct vmp_rows rows;

    vmp_rows_begin(&rows, &origin, record, tape);
    vmp_rows_code(&rows, &code);
    for (unsigned i = 0; i < count; i++)
        vmp_rows_site(&rows, &site);
    return vmp_rows_end(&rows);
}

static void
a_site_and_what_had_no_types_are_rows(void **state)
{
    (void)state;
    struct tape tape = { 0 };

    assert_int_equal(write_sites(&tape, "f", 1), 0);
    assert_string_equal(
        tape.text,
        "{\"normal\":{\"func_qualname\":\"f\",\"opname\":\"ADD\",\"host\":"
        "\"h\"},"
        "\"int\":{\"count\":3,\"bytecodes\":6,\"code_hash\":5,\"bc_offset\":7},"
        "\"normvector\":{\"types\":[\"int\",\"float\"]}}\n"
        "{\"normal\":{\"func_qualname\":\"f\",\"host\":\"h\"},"
        "\"int\":{\"count\":1,\"bytecodes\":2,\"code_hash\":5}}\n");
    free(tape.text);
}

static void
names_longer_than_the_buffer_are_whole(void **state)
{
    (void)state;
    struct tape tape = { 0 };
    char name[10000];

    memset(name, '"', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(write_sites(&tape, name, 1), 0);
    assert_true(tape.size > 4 * (sizeof(name) - 1));
    assert_true(tape.writes > 2);
    assert_int_equal(tape.text[tape.size - 1], '\n');
    assert_non_null(strstr(tape.text, "\\\"\\\"\",\"opname\":\"ADD\""));
    free(tape.text);
}

static void
the_first_error_ends_the_writing_and_is_told(void **state)
{
    (void)state;
    struct tape tape = { .error = -ENOSPC };

    assert_int_equal(write_sites(&tape, "f", 200), -ENOSPC);
    assert_int_equal(tape.writes, 1);
    free(tape.text);
}

static void
hits_are_scaled_exactly_however_large(void **state)
{
    (void)state;
    const uint64_t big = UINT64_MAX;

    assert_int_equal(vmp_scale_hits(100, 0, 0), 0);
    assert_int_equal(vmp_scale_hits(1000, 3, 10), 300);
    assert_int_equal(vmp_scale_hits(1001, 3, 10), 300);
    assert_int_equal(vmp_scale_hits(1009, 9, 10), 908);
    assert_int_equal(vmp_scale_hits(big, big, big), big);
    assert_int_equal(vmp_scale_hits(big, 1, big), 1);
    assert_int_equal(vmp_scale_hits(big - 1, big - 1, big), big - 2);
    assert_int_equal(vmp_scale_hits(big, (uint64_t)1 << 32, (uint64_t)1 << 33),
                     big / 2);
    assert_int_equal(vmp_scale_hits(((uint64_t)1 << 63) + 1, (uint64_t)1 << 62,
                                    (uint64_t)1 << 63),
                     ((uint64_t)1 << 62));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_and_what_had_no_types_are_rows),
        cmocka_unit_test(names_longer_than_the_buffer_are_whole),
        cmocka_unit_test(the_first_error_ends_the_writing_and_is_told),
        cmocka_unit_test(hits_are_scaled_exactly_however_large),
    };

    return cmocka_run_group_tests_name("type_rows", tests, NULL, NULL);
}
