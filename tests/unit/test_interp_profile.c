/* SPDX-License-Identifier: MIT */

/* Profiles of bytecodes and types: their rows, where they go, what outlives
 * types, codes, threads and runs. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#include "bytecodes.h"
#include "profiled.h"

static struct vmprof_thread *self;

static int
set_up(void **state)
{
    (void)state;
    bytecodes_set_up();
    return vmprof_attach_thread(NULL, &self);
}

static int
tear_down(void **state)
{
    (void)state;
    return vmprof_detach_thread(self);
}

static void
run(vmprof_code_id code, uint64_t offset, uint32_t opcode,
    const vmprof_type_id *operands)
{
    vmprof_count_bytecode(self, code, offset, opcode, operands);
}

static void
names_outlive_codes_and_types(void **state)
{
    (void)state;
    struct object object = { .hash = 77 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id dead = register_type("dead"),
                         type = register_type("t");
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    run(code, 5, OPCODE_ONE, &dead);
    assert_int_equal(vmprof_forget_type(dead), 0);
    assert_int_equal(vmprof_forget_type(dead), -ENOENT);
    run(code, 5, OPCODE_ONE, &dead);
    run(code, 6, OPCODE_ONE, &type);
    assert_int_equal(vmprof_forget_code(code), 0);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    row = find_row(profile, code, 5);
    assert_string_equal(row.name, "b:asked for:3:file.b");
    assert_int_equal(row.line, 15);
    assert_int_equal(row.hash, 77);
    assert_int_equal(row.hits, 2);
    assert_string_equal(row.tuples[0].names[0], "dead");
    assert_int_equal(find_row(profile, code, 6).line, 16);
    vmprof_free_type_profile(profile);
    assert_int_equal(vmprof_find_type(bytecodes_class, "dead"), 0);
    profile = take_profile();
    assert_int_equal(profile_info(profile).rows, 0);
    vmprof_free_type_profile(profile);
}

static void
the_youngest_of_a_name_is_found(void **state)
{
    (void)state;
    const vmprof_type_id first = register_type("twin"),
                         second = register_type("twin"),
                         third = register_type("twin");

    assert_int_equal(vmprof_find_type(bytecodes_class, "twin"), third);
    assert_int_equal(vmprof_forget_type(second), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, "twin"), third);
    assert_int_equal(vmprof_forget_type(third), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, "twin"), first);
    assert_int_equal(vmprof_forget_type(first), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, "twin"), 0);
    assert_int_equal(vmprof_find_type(NULL, "twin"), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, NULL), 0);
}

static void
bad_types_are_refused(void **state)
{
    (void)state;
    char longest[VMPROF_NAME_SIZE + 1];
    vmprof_type_id id;

    memset(longest, 'x', VMPROF_NAME_SIZE);
    longest[VMPROF_NAME_SIZE] = 0;
    assert_int_equal(vmprof_register_type(NULL, "a", &id), -EINVAL);
    assert_int_equal(vmprof_register_type(bytecodes_class, "", &id), -EINVAL);
    assert_int_equal(vmprof_register_type(bytecodes_class, NULL, &id), -EINVAL);
    assert_int_equal(vmprof_register_type(bytecodes_class, longest, &id),
                     -ENAMETOOLONG);
    longest[VMPROF_NAME_SIZE - 1] = 0;
    assert_int_equal(vmprof_register_type(bytecodes_class, longest, &id), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, longest), id);
    assert_int_equal(vmprof_forget_type(id), 0);
    assert_int_equal(vmprof_forget_type(0), -ENOENT);
}

static void
sites_that_were_never_hit_are_told(void **state)
{
    (void)state;
    struct object object = { .last = 350 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id type = register_type("t");
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    run(code, 100, OPCODE_ONE, &type);
    run(code, 7, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    assert_int_equal(profile_info(profile).rows, 5);
    for (uint64_t i = 0; i < 5; i++) {
        static const uint64_t offsets[] = { 0, 7, 100, 200, 300 };
        const struct vmprof_type_row row = profile_row(profile, i);

        assert_int_equal(row.offset, offsets[i]);
        assert_int_equal(row.hits, i == 1 || i == 2);
        assert_int_equal(row.line, offsets[i] + 10);
    }
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
a_full_table_counts_what_has_no_place(void **state)
{
    (void)state;
    struct vmprof_type_limits limits;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id type = register_type("t");
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;

    bytecodes_reset();
    vmprof_type_limits_init(&limits);
    limits.sites = 100;
    limits.tuples = 2;
    assert_int_equal(vmprof_set_type_limits(&limits), 0);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 3000; i++)
        run(code, 1 + i % 300, i % 3 ? OPCODE_ONE : OPCODE_PLAIN, &type);
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 3000);
    assert_int_equal(profile_info(profile).unplaced, 2000);
    row = profile_row(profile, 0);
    assert_int_equal(row.has_place, 0);
    assert_int_equal(row.code, 0);
    assert_int_equal(row.hits, 2000);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(find_row(profile, code, i).hits, 10);
    vmprof_free_type_profile(profile);
    /* What was read makes room. */
    for (unsigned i = 0; i < 100; i++)
        run(code, 200 + i, OPCODE_ONE, &type);
    profile = take_profile();
    assert_int_equal(profile_info(profile).unplaced, 0);
    assert_int_equal(find_row(profile, code, 299).hits, 1);
    vmprof_free_type_profile(profile);
    vmprof_set_profile_interp(0);
    bytecodes_reset();
    vmprof_forget_code(code);
}

struct crowd {
    vmprof_code_id code;
    const vmprof_type_id *types;
};

static void *
run_a_little(void *user)
{
    const struct crowd *const crowd = user;
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (unsigned i = 0; i < 10; i++)
        vmprof_count_bytecode(thread, crowd->code, i, OPCODE_ONE, crowd->types);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
threads_that_have_ended_keep_their_hits(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_type_id type = register_type("t");
    struct crowd crowd = { register_object(&object, NULL), &type };
    const unsigned threads = rounds(200);
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_all(1);
    for (unsigned i = 0; i < threads; i++) {
        pthread_t thread;

        pthread_create(&thread, NULL, run_a_little, &crowd);
        pthread_join(thread, NULL);
    }
    vmprof_set_profile_interp_all(0);
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 10 * threads);
    assert_int_equal(find_row(profile, crowd.code, 3).typed, threads);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(crowd.code);
}

static void
codes_and_types_are_born_and_die(void **state)
{
    (void)state;
    const unsigned codes = rounds(100000), types_each = 10;
    struct vmprof_type_limits limits;
    struct vmprof_type_profile *profile;
    struct object object = { 0 };
    uint64_t hits = 0, named = 0;

    bytecodes_reset();
    vmprof_type_limits_init(&limits);
    limits.sites = 1000;
    assert_int_equal(vmprof_set_type_limits(&limits), 0);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < codes; i++) {
        const vmprof_code_id code = register_object(&object, "b:f:1:x");
        vmprof_type_id types[10];

        for (unsigned j = 0; j < types_each; j++) {
            char name[32];

            snprintf(name, sizeof(name), "type %u %u", i, j);
            types[j] = register_type(name);
            run(code, j % 3, OPCODE_ONE, &types[j]);
        }
        for (unsigned j = 0; j < types_each; j++)
            assert_int_equal(vmprof_forget_type(types[j]), 0);
        assert_int_equal(vmprof_forget_code(code), 0);
    }
    vmprof_set_profile_interp(0);
    profile = take_profile();
    for (uint64_t i = 0; i < profile_info(profile).rows; i++) {
        const struct vmprof_type_row row = profile_row(profile, i);

        hits += row.hits;
        named += row.has_place && strcmp(row.name, "b:f:1:x") == 0;
    }
    assert_int_equal(hits, (uint64_t)codes * types_each);
    assert_in_range(named, codes < 334 ? 3 * codes : 1000, 1000);
    vmprof_free_type_profile(profile);
    bytecodes_reset();
}

static void
rows_go_into_the_file_of_a_session(void **state)
{
    (void)state;
    struct object object = { .hash = 5, .last = 100 }, brief = { 0 };
    const vmprof_code_id code = register_object(&object, NULL),
                         dead = register_object(&brief, "b:brief:1:x");
    const vmprof_type_id type = register_type("t");
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    uint64_t typed = 0, untyped = 0, rows_without_hits = 0, dead_rows = 0;
    struct decoded d;

    bytecodes_reset();
    assert_int_equal(vmprof_enable_with(&options), 0);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 100; i++)
        run(code, 0, OPCODE_ONE, &type);
    run(dead, 9, OPCODE_PLAIN, NULL);
    vmprof_forget_code(dead);
    vmprof_free_type_profile(take_profile());
    /* What the program drops is not written, what nobody takes is. */
    run(code, 1, OPCODE_PLAIN, NULL);
    vmprof_clear_type_profiles();
    for (unsigned i = 0; i < 7; i++)
        run(code, 2, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp(0);
    finish_profile(file, &d);
    for (size_t i = 0; i < d.site_count; i++) {
        const struct decoded_site *const site = &d.sites[i];

        typed += site->typed;
        untyped += site->untyped;
        assert_int_equal(site->period, 1);
        if (site->code == dead) {
            assert_string_equal(decoded_name(&d, dead), "b:brief:1:x");
            assert_int_equal(site->line, 19);
            dead_rows++;
        } else {
            assert_int_equal(site->hash, 5);
            assert_string_equal(decoded_name(&d, code), "b:asked for:3:file.b");
            assert_int_equal(site->line, site->offset + 10);
            rows_without_hits += !(site->typed + site->untyped + site->other);
        }
        if (site->typed) {
            assert_string_equal(d.words[site->tuples[0].words[0]], "t");
            assert_string_equal(d.words[site->opname], "ONE");
        }
    }
    assert_int_equal(typed, 100);
    assert_int_equal(untyped, 8);
    assert_int_equal(dead_rows, 1);
    assert_int_equal(rows_without_hits, 3); /* 100, and then 0 and 100 */
    decoded_free(&d);
    vmprof_free_type_profile(take_profile());
    vmprof_forget_code(code);
}

static void
be_a_child(void)
{
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);

    require(vmprof_set_profile_interp(1) == 0); /* it was forked itself */
    run(code, 1, OPCODE_PLAIN, NULL);
    const pid_t child = fork();
    require(child >= 0);
    if (child == 0) {
        struct vmprof_type_profile *profile;

        /* It starts off, and what was counted is the parent's. */
        require(self->counting == 0);
        run(code, 1, OPCODE_PLAIN, NULL);
        profile = take_profile();
        require(profile_info(profile).hits == 0);
        vmprof_free_type_profile(profile);
        require(vmprof_set_profile_interp(1) == 0);
        run(code, 2, OPCODE_PLAIN, NULL);
        profile = take_profile();
        require(find_row(profile, code, 2).hits == 1);
        vmprof_free_type_profile(profile);
        _exit(0);
    }
    int status;
    require(waitpid(child, &status, 0) == child && status == 0);
    run(code, 1, OPCODE_PLAIN, NULL);
    struct vmprof_type_profile *const own = take_profile();
    require(find_row(own, code, 1).hits == 2);
    vmprof_free_type_profile(own);
}

static void
a_forked_child_starts_off_and_empty(void **state)
{
    (void)state;
    bytecodes_reset();
    vmprof_set_profile_interp(1);
    assert_int_equal(isolate(be_a_child, 20), 0);
    vmprof_set_profile_interp(0);
}

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

struct done {
    unsigned times;
    uint64_t calls;
    int error;
};

static void
note_done(void *user, vmprof_code_id code, uint64_t calls, int error)
{
    struct done *const done = user;

    (void)code;
    done->times++;
    done->calls = calls;
    done->error = error;
}

static void
a_candidate_is_done_when_its_last_call_has_ended(void **state)
{
    (void)state;
    struct object object = { 0 }, callee = { 0 };
    const vmprof_code_id code = register_object(&object, NULL),
                         leaf = register_object(&callee, NULL);
    struct done done = { 0 };
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    assert_int_equal(vmprof_add_candidate(code, 0, note_done, &done), -EINVAL);
    assert_int_equal(vmprof_add_candidate(3, 1, note_done, &done), -ENOENT);
    assert_int_equal(vmprof_add_candidate(code, 3, note_done, &done), 0);
    assert_int_equal(vmprof_add_candidate(code, 3, note_done, &done), -EEXIST);
    for (unsigned i = 0; i < 5; i++) {
        const uint64_t mark = vmprof_count_call(self, code);
        uint64_t inner;

        assert_int_equal(mark != 0, i < 3);
        run(code, 1, OPCODE_PLAIN, NULL);
        inner = vmprof_count_call(self, leaf);
        for (unsigned j = 0; j < 20; j++)
            run(leaf, 1, OPCODE_PLAIN, NULL);
        vmprof_count_return(self, inner);
        vmprof_count_resume(self, mark);
        run(code, 2, OPCODE_PLAIN, NULL);
        assert_int_equal(done.times, i >= 3);
        vmprof_count_return(self, mark);
        vmprof_count_resume(self, 0);
        run(leaf, 2, OPCODE_PLAIN, NULL);
    }
    assert_int_equal(done.times, 1);
    assert_int_equal(done.calls, 3);
    assert_int_equal(done.error, 0);
    profile = take_profile();
    assert_int_equal(find_row(profile, code, 1).hits, 3);
    assert_int_equal(find_row(profile, code, 2).hits, 3);
    assert_int_equal(profile_info(profile).hits, 6);
    vmprof_free_type_profile(profile);

    assert_int_equal(vmprof_add_candidate(code, 3, note_done, &done), 0);
    vmprof_count_return(self, vmprof_count_call(self, code));
    assert_int_equal(vmprof_forget_code(code), 0);
    assert_int_equal(done.times, 2);
    assert_int_equal(done.calls, 1);
    assert_int_equal(done.error, -ECANCELED);
    assert_int_equal(vmprof_remove_candidate(code), -ENOENT);
    assert_int_equal(self->candidates, 0);
    vmprof_forget_code(leaf);
}

static void
candidates_do_not_disturb_the_period(void **state)
{
    (void)state;
    struct object object = { 0 }, caller = { 0 };
    const vmprof_code_id code = register_object(&object, NULL),
                         outer = register_object(&caller, NULL);
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_period(100);
    vmprof_set_profile_interp(1);
    assert_int_equal(vmprof_add_candidate(code, 10, NULL, NULL), 0);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t mark;

        for (unsigned j = 0; j < 10; j++)
            run(outer, j, OPCODE_PLAIN, NULL);
        if (i >= 10)
            continue;
        mark = vmprof_count_call(self, code);
        for (unsigned j = 0; j < 7; j++)
            run(code, j, OPCODE_PLAIN, NULL);
        vmprof_count_return(self, mark);
        vmprof_count_resume(self, 0);
    }
    vmprof_set_profile_interp(0);
    profile = take_profile();
    for (unsigned j = 0; j < 7; j++)
        assert_int_equal(find_row(profile, code, j).hits, 10);
    assert_int_equal(find_row(profile, outer, 9).hits, 5);
    assert_int_equal(profile_info(profile).bytecodes, 500 + 70);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
    vmprof_forget_code(outer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_outlive_codes_and_types),
        cmocka_unit_test(the_youngest_of_a_name_is_found),
        cmocka_unit_test(bad_types_are_refused),
        cmocka_unit_test(sites_that_were_never_hit_are_told),
        cmocka_unit_test(a_full_table_counts_what_has_no_place),
        cmocka_unit_test(threads_that_have_ended_keep_their_hits),
        cmocka_unit_test(codes_and_types_are_born_and_die),
        cmocka_unit_test(rows_go_into_the_file_of_a_session),
        cmocka_unit_test(a_forked_child_starts_off_and_empty),
        cmocka_unit_test(rows_are_lines_of_json),
        cmocka_unit_test(a_saved_profile_is_found_by_name_hash_and_offset),
        cmocka_unit_test(damaged_profiles_are_refused),
        cmocka_unit_test(hostile_profiles_do_no_harm),
        cmocka_unit_test(a_candidate_is_done_when_its_last_call_has_ended),
        cmocka_unit_test(candidates_do_not_disturb_the_period),
    };

    return cmocka_run_group_tests_name("interp_profile", tests, set_up,
                                       tear_down);
}
