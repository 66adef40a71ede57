/* SPDX-License-Identifier: MIT */

/* Names of machine code from symbol tables: of this program, and of files that
 * are none. */

#include "suite.h"

#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/symbols.h"

static char program[4096];
static uint64_t bias;

static __attribute__((noinline)) int
a_function_of_this_file(int number)
{
    return number * 3 + getpid();
}

static int
take_first(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    (void)user;
    bias = info->dlpi_addr;
    return 1;
}

static int
find_program(void **state)
{
    const ssize_t size =
        readlink("/proc/self/exe", program, sizeof(program) - 1);

    (void)state;
    dl_iterate_phdr(take_first, NULL);
    return size > 0 ? 0 : -1;
}

static void
expect(struct vmp_symbols *symbols, const struct vmp_module_info *module,
       uint64_t address, const char *name)
{
    struct vmp_symbol found = { 0 };

    vmp_symbols_find(symbols, module, address, &found);
    assert_int_equal(found.size, strlen(name));
    assert_string_equal(found.name, name);
}

static void
a_static_function_has_its_name_from_its_first_byte_on(void **state)
{
    (void)state;
    struct vmp_symbols symbols = { 0 };
    const struct vmp_module_info module = { .path = program, .bias = bias };
    const uint64_t start = (uintptr_t)a_function_of_this_file;
    struct vmp_symbol found = { 0 };
    char name[5000];

    assert_int_equal(a_function_of_this_file(0), getpid());
    snprintf(name, sizeof(name), "n:a_function_of_this_file:0:%s", program);
    expect(&symbols, &module, start - bias, name);
    expect(&symbols, &module, start - bias + 1, name);
    vmp_symbols_find(&symbols, &module, start - bias + 2, &found);
    assert_int_equal(found.start, start);
    vmp_symbols_find(&symbols, &module, start - bias - 1, &found);
    assert_true(found.start < start);
    vmp_symbols_free(&symbols);
}

static void
what_has_no_symbol_is_its_file(void **state)
{
    (void)state;
    struct vmp_symbols symbols = { 0 };
    const struct vmp_module_info gone = { .path = "/no/such/lib.so",
                                          .bias = 0x7000 };
    const struct vmp_module_info device = { .path = "/dev/zero" };
    const struct vmp_module_info vdso = { .path = "[vdso]" };
    const struct vmp_module_info whole = { .path = program };
    struct vmp_symbol one = { 0 }, other = { 0 };
    char name[5000];

    expect(&symbols, &gone, 1, "n:[lib.so]:0:/no/such/lib.so");
    expect(&symbols, &device, 1, "n:[zero]:0:/dev/zero");
    expect(&symbols, &vdso, 1, "n:[vdso]:0:[vdso]");
    expect(&symbols, NULL, 1, "n:[anonymous memory]:0:-");
    snprintf(name, sizeof(name), "n:[%s]:0:%s", strrchr(program, '/') + 1,
             program);
    expect(&symbols, &whole, 1, name);
    vmp_symbols_find(&symbols, &gone, 1, &one);
    vmp_symbols_find(&symbols, &gone, 99, &other);
    assert_int_equal(one.start, other.start);
    assert_int_equal(one.scope, other.scope);
    vmp_symbols_find(&symbols, &device, 1, &other);
    assert_int_not_equal(one.scope, other.scope);
    vmp_symbols_free(&symbols);
}

static size_t
read_program(unsigned char **bytes)
{
    const int file = open(program, O_RDONLY);
    const off_t size = lseek(file, 0, SEEK_END);

    *bytes = malloc((size_t)size);
    assert_int_equal(pread(file, *bytes, (size_t)size, 0), size);
    close(file);
    return (size_t)size;
}

static void
a_file_that_lies_does_no_harm(void **state)
{
    (void)state;
    char path[] = "/tmp/vmprof-symbols-XXXXXX";
    const int file = mkstemp(path);
    unsigned char *bytes, *sections;
    size_t size = read_program(&bytes), at;
    ElfW(Ehdr) header;
    unsigned seed = 1;

    memcpy(&header, bytes, sizeof(header));
    at = (size_t)header.e_shoff;
    sections = bytes + at;
    for (unsigned round = 0; round < 300; round++) {
        struct vmp_symbols symbols = { 0 };
        const struct vmp_module_info module = { .path = path };
        struct vmp_symbol found = { 0 };
        const size_t byte = (size_t)rand_r(&seed) % (size - at);
        const unsigned char before = sections[byte];
        const size_t cut = round % 3 ? size : (size_t)rand_r(&seed) % size;

        sections[byte] = (unsigned char)rand_r(&seed);
        assert_int_equal(ftruncate(file, 0), 0);
        assert_int_equal(pwrite(file, bytes, cut, 0), cut);
        vmp_symbols_find(&symbols, &module,
                         (uintptr_t)a_function_of_this_file - bias, &found);
        assert_in_range(found.size, 5, 1023);
        sections[byte] = before;
        vmp_symbols_free(&symbols);
    }
    free(bytes);
    close(file);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_static_function_has_its_name_from_its_first_byte_on),
        cmocka_unit_test(what_has_no_symbol_is_its_file),
        cmocka_unit_test(a_file_that_lies_does_no_harm),
    };

    return cmocka_run_group_tests_name("symbols", tests, find_program, NULL);
}
