/* SPDX-License-Identifier: MIT */

/* Profiles of types that are written: as lines of JSON, and saved for a later
 * run. */

#include "suite.h"

#include <errno.h>

#include "counting.h"
#include "decode.h"

struct text {
    char bytes[8192];
    size_t size;
};

static int
add_text(void *user, const void *data, size_t size)
{
    struct text *const text = user;

    require(text->size + size < sizeof(text->bytes));
    memcpy(text->bytes + text->size, data, size);
    text->size += size;
    text->bytes[text->size] = 0;
    return 0;
}

static int
refuse(void *user, const void *data, size_t size)
{
    (void)user;
    (void)data;
    (void)size;
    return -EPIPE;
}

static void
rows_are_lines_of_json(void **state)
{
    (void)state;
    struct object object = { .hash = 9 }, other = { 0 };
    const vmprof_code_id code =
                             register_object(&object, "b:a%3A\"b\":7:dir/f.b"),
                         second = register_object(&other, "b:g:8:h");
    const vmprof_type_id types[] = { register_type("int"), 0 };
    struct vmprof_type_origin origin;
    struct vmprof_type_profile *profile;
    struct text text = { .size = 0 };

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    run(code, 100, OPCODE_TWO, types);
    run(code, 1, OPCODE_PLAIN, NULL);
    run(code, 2, OPCODE_PLAIN, NULL);
    run(second, 3, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    vmprof_type_origin_init(&origin);
    origin.host = "h";
    origin.service = "s";
    origin.version = "v";
    assert_int_equal(vmprof_write_type_rows(profile, &origin, add_text, &text),
                     0);
    assert_string_equal(
        text.bytes,
        "{\"normal\":{\"func_qualname\":\"a:\\\"b\\\"\",\"filename\":"
        "\"dir/f.b\",\"opname\":\"TWO\",\"host\":\"h\",\"service\":\"s\","
        "\"version\":\"v\"},\"int\":{\"count\":1,\"bytecodes\":1,"
        "\"code_hash\":9,\"firstlineno\":7,\"lineno\":110,\"bc_offset\":100},"
        "\"normvector\":{\"types\":[\"int\",\"<NULL>\"]}}\n"
        "{\"normal\":{\"func_qualname\":\"a:\\\"b\\\"\",\"filename\":"
        "\"dir/f.b\",\"host\":\"h\",\"service\":\"s\",\"version\":\"v\"},"
        "\"int\":{\"count\":2,\"bytecodes\":2,\"code_hash\":9,"
        "\"firstlineno\":7}}\n"
        "{\"normal\":{\"func_qualname\":\"g\",\"filename\":\"h\",\"host\":"
        "\"h\",\"service\":\"s\",\"version\":\"v\"},\"int\":{\"count\":1,"
        "\"bytecodes\":1,\"firstlineno\":8}}\n");
    assert_int_equal(vmprof_write_type_rows(profile, NULL, refuse, NULL),
                     -EPIPE);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
    vmprof_forget_code(second);
}

/* A profile of one code with a typed and an untyped site, saved. */
static size_t
save(struct text *text, struct object *object, const char *vm_version)
{
    const vmprof_code_id code = register_object(object, "b:saved:1:x");
    const vmprof_type_id types[] = { register_type("int"),
                                     register_type("str") };
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_period(3);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 3 * 50; i++)
        run(code, 4, OPCODE_TWO, types);
    for (unsigned i = 0; i < 3 * 8; i++)
        run(code, 6, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    assert_int_equal(
        vmprof_save_type_profile(profile, vm_version, add_text, text), 0);
    assert_int_equal(vmprof_save_type_profile(profile, "", add_text, text),
                     -EINVAL);
    assert_int_equal(
        vmprof_save_type_profile(profile, vm_version, refuse, NULL), -EPIPE);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
    vmprof_forget_type(types[0]);
    vmprof_forget_type(types[1]);
    return text->size;
}

static void
a_saved_profile_is_found_by_name_hash_and_offset(void **state)
{
    (void)state;
    struct object object = { .hash = 1234 }, changed = { .hash = 1235 };
    struct vmprof_loaded_profile *loaded;
    struct text text = { .size = 0 };
    vmprof_code_id code, other;
    vmprof_type_id type;
    struct vmprof_type_row row;

    save(&text, &object, "1.0");
    save(&text, &object, "2.0");
    assert_int_equal(
        vmprof_load_type_profile(text.bytes, text.size, "3.0", &loaded),
        -ENOENT);
    assert_int_equal(
        vmprof_load_type_profile(text.bytes, text.size, "2.0", &loaded), 0);
    memset(&text, 0, sizeof(text));

    code = register_object(&object, "b:saved:1:x");
    other = register_object(&changed, "b:other:1:x");
    vmprof_type_row_init(&row);
    assert_int_equal(vmprof_find_loaded_site(loaded, code, 4, &row), 1);
    assert_int_equal(row.code, code);
    assert_int_equal(row.hits, 50);
    assert_int_equal(row.typed, 50);
    assert_int_equal(row.bytecodes, 150);
    assert_int_equal(row.opcode, OPCODE_TWO);
    assert_string_equal(row.opcode_name, "TWO");
    assert_int_equal(row.line, 14);
    assert_int_equal(row.tuple_count, 1);
    assert_string_equal(row.tuples[0].names[1], "str");
    /* The type comes later. */
    assert_int_equal(vmprof_find_type(bytecodes_class, row.tuples[0].names[1]),
                     0);
    type = register_type("str");
    assert_int_equal(vmprof_find_type(bytecodes_class, row.tuples[0].names[1]),
                     type);
    assert_int_equal(vmprof_find_loaded_site(loaded, code, 6, &row), 1);
    assert_int_equal(row.untyped, 8);
    assert_int_equal(vmprof_find_loaded_site(loaded, code, 5, &row), 0);
    assert_int_equal(vmprof_find_loaded_site(loaded, other, 4, &row), -ENOENT);
    assert_int_equal(vmprof_find_loaded_site(loaded, 0, 4, &row), -ENOENT);
    vmprof_forget_code(code);
    assert_int_equal(vmprof_find_loaded_site(loaded, code, 4, &row), -ENOENT);
    vmprof_forget_code(other);
    code = register_object(&changed, "b:saved:1:x");
    assert_int_equal(vmprof_find_loaded_site(loaded, code, 4, &row), -ESTALE);
    vmprof_forget_code(code);
    vmprof_forget_type(type);
    vmprof_free_loaded_profile(loaded);
    vmprof_free_loaded_profile(NULL);
}

static void
damaged_profiles_are_refused(void **state)
{
    (void)state;
    struct object object = { .hash = 1234 };
    struct vmprof_loaded_profile *loaded;
    struct text text = { .size = 0 };
    const size_t size = save(&text, &object, "1.0");

    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(
            vmprof_load_type_profile(text.bytes, cut, "1.0", &loaded),
            -EBADMSG);
    for (size_t at = 0; at < size; at++) {
        text.bytes[at] ^= 0x11;
        assert_int_equal(
            vmprof_load_type_profile(text.bytes, size, "1.0", &loaded),
            -EBADMSG);
        text.bytes[at] ^= 0x11;
    }
    assert_int_equal(vmprof_load_type_profile(NULL, 0, "1.0", &loaded),
                     -EINVAL);
    assert_int_equal(vmprof_load_type_profile(text.bytes, size, NULL, &loaded),
                     -EINVAL);
}

/* Where the checksum is right, nothing else need be. */
static void
hostile_profiles_do_no_harm(void **state)
{
    (void)state;
    struct object object = { .hash = 1234 };
    struct text text = { .size = 0 };
    const size_t size = save(&text, &object, "1.0");
    const vmprof_code_id code = register_object(&object, "b:saved:1:x");
    uint64_t random = 88172645463325252, loads = 0;

    for (unsigned i = 0; i < rounds(200000); i++) {
        struct vmprof_loaded_profile *loaded;
        struct vmprof_type_row row;
        unsigned char bytes[512];
        uint32_t crc;
        int r;

        assert_true(size < sizeof(bytes));
        memcpy(bytes, text.bytes, size);
        for (unsigned j = 0; j <= draw(&random) % 4; j++)
            bytes[16 + draw(&random) % (size - 16)] =
                (unsigned char)draw(&random);
        crc = decode_crc32c(bytes + 12, size - 12);
        for (unsigned j = 0; j < 4; j++)
            bytes[8 + j] = (unsigned char)(crc >> 8 * j);
        r = vmprof_load_type_profile(bytes, size, "1.0", &loaded);
        assert_true(r == 0 || r == -EBADMSG || r == -ENOENT);
        if (r < 0)
            continue;
        loads++;
        vmprof_type_row_init(&row);
        for (uint64_t offset = 0; offset < 10; offset++)
            (void)vmprof_find_loaded_site(loaded, code, offset, &row);
        vmprof_free_loaded_profile(loaded);
    }
    assert_true(loads > 0);
    vmprof_forget_code(code);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_lines_of_json),
        cmocka_unit_test(a_saved_profile_is_found_by_name_hash_and_offset),
        cmocka_unit_test(damaged_profiles_are_refused),
        cmocka_unit_test(hostile_profiles_do_no_harm),
    };

    return cmocka_run_group_tests_name("interp_saved", tests, set_up,
                                       tear_down);
}
