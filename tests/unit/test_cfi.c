/* SPDX-License-Identifier: MIT */

/* Unwinding rules, against libunwind at the instructions of the C library. */

#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "isolate.h"
#include "record/cfi.h"
#include "record/modules.h"
#include "record/native.h"
#include "record/step.h"

enum {
    WORDS = 8192,
    STEPS = 60000,
};

static uint64_t words[WORDS];
static struct vmp_native stack;
static struct vmp_registers registers;

/* A stack full of numbers, and registers that point into it. */
static void
make_stack(uint64_t *random)
{
    for (size_t i = 0; i < WORDS; i++)
        words[i] = draw(random) >> 17;
    stack = (struct vmp_native){ .size = sizeof(words), .from = 0x7000000000 };
    stack.end = stack.from + stack.size;
    for (unsigned i = 0; i < VMP_MAX_REGISTERS; i++)
        registers.value[i] = stack.from + 20000 + 512 * (uint64_t)i;
    stack.sp = registers.value[vmp_machine.sp] = stack.from + 16384;
}

static bool
read_word(uint64_t address, uint64_t *value)
{
    const uint64_t at = address - stack.from;

    if (address < stack.from || at > sizeof(words) - 8)
        return false;
    memcpy(value, (const char *)words + at, sizeof(*value));
    return true;
}

/* What a row says; false if it leads out of the stack. */
static bool
follow(const struct vmp_row *row, struct vmp_registers *to)
{
    uint64_t cfa = to->value[row->cfa_register] + (uint64_t)row->cfa_offset;

    if (row->cfa_is_read && !read_word(cfa, &cfa))
        return false;
    for (unsigned i = 0; i < row->count; i++)
        if (!read_word(cfa + (uint64_t)((int64_t)row->at[i] * 8),
                       &to->value[row->saved[i]]))
            return false;
    to->value[vmp_machine.sp] = cfa;
    to->value[vmp_machine.pc] = to->value[vmp_machine.return_address];
    return true;
}

static bool
is_kept(unsigned number)
{
#if defined(__x86_64__)
    return number == 3 || number == 6 || number == 7 || number >= 12;
#else
    return number >= 19 && number != 30;
#endif
}

static const struct vmp_module *
find_libc(struct vmp_modules *modules, struct vmp_reader *reader)
{
    vmp_modules_begin(modules);
    vmp_modules_turn_to(modules, reader, 1);
    return vmp_modules_find(modules, (uint64_t)(uintptr_t)strtol);
}

static void
rows_lead_where_libunwind_does(void **state)
{
    (void)state;
    static struct vmp_reader reader;
    struct vmp_modules modules = { 0 };
    const struct vmp_module *libc;
    struct vmp_stepper *stepper;
    uint64_t random = 88172645463325252;
    size_t plain = 0, read = 0, last = 0, other = 0, none = 0;

    if (!vmp_step_load())
        skip_because("built without libunwind");
    libc = find_libc(&modules, &reader);
    assert_non_null(libc);
    assert_true(libc->unwind_table != 0 && libc->path);
    assert_int_equal(vmp_stepper_new(&stepper, &modules, &reader), 0);
    make_stack(&random);
    for (unsigned i = 0; i < rounds(STEPS); i++) {
        const uint64_t pc =
            libc->start + draw(&random) % (libc->end - libc->start);
        struct vmp_registers ours, theirs;
        struct vmp_row row;
        int r;

        vmp_cfi_row(&reader, libc->unwind_table, pc, &row);
        plain += row.kind == VMP_ROW_PLAIN;
        read += row.cfa_is_read;
        last += row.kind == VMP_ROW_LAST;
        other += row.kind == VMP_ROW_OTHER;
        none += row.kind == VMP_ROW_NONE;
        registers.value[vmp_machine.pc] = pc;
        ours = theirs = registers;
        if (row.kind != VMP_ROW_PLAIN || !follow(&row, &ours))
            continue;
        r = vmp_step(stepper, &stack, (const unsigned char *)words, &theirs);
        if (r <= 0)
            fail_msg("%#lx: libunwind says %d", (long)(pc - libc->bias), r);
        for (unsigned k = 0; k < vmp_machine.registers; k++)
            if (is_kept(k) && ours.value[k] != theirs.value[k])
                fail_msg("%#lx: register %u is %#lx here, %#lx there",
                         (long)(pc - libc->bias), k, (long)ours.value[k],
                         (long)theirs.value[k]);
    }
    print_message("# %zu plain (%zu read), %zu last, %zu other, %zu none\n",
                  plain, read, last, other, none);
    assert_true(plain > rounds(STEPS) * 9 / 10);
    vmp_stepper_free(stepper);
    vmp_modules_free(&modules);
}

/* Whatever the bytes are, it ends, and reads nothing that is not there. */
static void
damaged_tables_give_rows_or_none(void **state)
{
    (void)state;
    static struct vmp_reader reader;
    static unsigned char image[1 << 16];
    uint64_t random = 1181783497276652981;
    const uint64_t table = (uint64_t)(uintptr_t)image;
    const uint32_t count = 4;
    struct vmp_row row;

    for (unsigned i = 0; i < rounds(3000); i++) {
        const unsigned char head[] = { 1, 0x1b, 0x03, 0x3b };
        /* One function, whose rules are any bytes. */
        const int32_t entries[] = { 4096, 8192,  5000, 8192,
                                    6000, 40000, 7000, 65530 };
        const unsigned char cie[] = { 20,  0,   0, 0, 0,    0,  0, 0,   1,
                                      'z', 'R', 0, 1, 0x78, 16, 1, 0x1b };
        const uint32_t fde[] = { 200, 8196 - 8000 };
        const int32_t range[] = { 4096 - 8200, 4096 };

        for (size_t k = 0; k < sizeof(image); k++)
            image[k] = (unsigned char)(draw(&random) >> 30);
        memcpy(image, head, sizeof(head));
        memcpy(image + 8, &count, 4);
        memcpy(image + 12, entries, sizeof(entries));
        memcpy(image + 8192, fde, sizeof(fde));
        memcpy(image + 8000, cie, sizeof(cie));
        memcpy(image + 8200, range, sizeof(range));
        image[8208] = 0;
        vmp_reader_forget(&reader);
        for (uint64_t pc = 0; pc < 9000; pc += 500 + i % 100) {
            vmp_cfi_row(&reader, table, table + pc, &row);
            assert_in_range(row.kind, VMP_ROW_NONE, VMP_ROW_OTHER);
            assert_true(row.count <= VMP_ROW_SAVED);
            assert_true(row.cfa_register < VMP_MAX_REGISTERS ||
                        row.kind == VMP_ROW_OTHER);
        }
    }
    vmp_cfi_row(&reader, 16, 4096, &row);
    assert_int_equal(row.kind, VMP_ROW_NONE);
}

/* Emulators may not know the system call that reads memory without a fault. */
static bool
can_read(struct vmp_reader *reader)
{
    static const char word[4] = "read";
    char copy[sizeof(word)];

    return vmp_read(reader, (uint64_t)(uintptr_t)word, copy, sizeof(copy));
}

/* Rows are of a machine's registers. */
#define skip_without_registers()                                               \
    do {                                                                       \
        if (!vmp_machine.is_known)                                             \
            skip_because("there are no native frames on this machine");        \
    } while (0)

/* An augmentation of -64 bytes, with instructions for whoever goes there. */
static void
no_length_leads_back_out_of_an_entry(void **state)
{
    (void)state;
    static struct vmp_reader reader;
    static unsigned char image[1 << 14];
    const unsigned char head[] = { 1, 0x1b, 0x03, 0x3b, [8] = 1, [11] = 0 };
    const unsigned char cie[] = {
        96,   0,    0,    0,    0,    0,    0,    0,    3,
        'z',  'R',  0,    0x81, 0,    0x78, 16,   0xc0, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x1b,
    };
    const unsigned char short_size[10] = { 0x81, 0x80, 0x80, 0x80, 0x80,
                                           0x80, 0x80, 0x80, 0x80, 0 };
    const int32_t entry[] = { 4096, 8192 };
    const uint32_t fde[] = { 64, 8196 - 8000 };
    const int32_t range[] = { 4096 - 8200, 4096 };
    const uint64_t table = (uint64_t)(uintptr_t)image;
    struct vmp_row row;

    if (!can_read(&reader))
        skip_because("no process_vm_readv() here");
    memcpy(image, head, sizeof(head));
    memcpy(image + 12, entry, sizeof(entry));
    memcpy(image + 8000, cie, sizeof(cie));
    memcpy(image + 8192, fde, sizeof(fde));
    memcpy(image + 8200, range, sizeof(range));
    vmp_cfi_row(&reader, table, table + 5000, &row);
    assert_int_equal(row.kind, VMP_ROW_NONE);

    /* The same entry with the size of what is there. */
    memcpy(image + 8016, short_size, sizeof(short_size));
    vmp_reader_forget(&reader);
    vmp_cfi_row(&reader, table, table + 5000, &row);
    assert_int_not_equal(row.kind, VMP_ROW_NONE);
}

enum {
    CODE_AT = 4096,
    CODE_SIZE = 4096,
    COMMON_AT = 8000,
    ENTRY_AT = 8192,
    RULES_AT = ENTRY_AT + 17, /* behind the size of no augmentation */
    RULES_SIZE = 200,
};

static unsigned char table[1 << 14];

static void
put_32(size_t at, int64_t value)
{
    const int32_t word = (int32_t)value;

    memcpy(table + at, &word, sizeof(word));
}

/* A table of one function, whose CFA is the stack pointer + 8 in the beginning. */
static void
make_table(const unsigned char *rules, size_t size)
{
    const unsigned char head[] = { 1, 0x1b, 0x03, 0x3b, [8] = 1 };
    const unsigned char common[] = {
        [4] = 0, [8] = 1, 'z',  'R',
        0,       1,       0x78, (unsigned char)vmp_machine.return_address,
        1,       0x1b,    0x0c, (unsigned char)vmp_machine.sp,
        8,
    };

    assert_true(size <= RULES_SIZE);
    memset(table, 0, sizeof(table));
    memcpy(table, head, sizeof(head));
    put_32(12, CODE_AT);
    put_32(16, ENTRY_AT);
    memcpy(table + COMMON_AT, common, sizeof(common));
    put_32(COMMON_AT, 24);
    put_32(ENTRY_AT, 13 + RULES_SIZE);
    put_32(ENTRY_AT + 4, ENTRY_AT + 4 - COMMON_AT);
    put_32(ENTRY_AT + 8, CODE_AT - (ENTRY_AT + 8));
    put_32(ENTRY_AT + 12, CODE_SIZE);
    memcpy(table + RULES_AT, rules, size);
}

static struct vmp_row
row_at(uint64_t offset)
{
    static struct vmp_reader reader;
    const uint64_t at = (uint64_t)(uintptr_t)table;
    struct vmp_row row;

    vmp_reader_forget(&reader);
    vmp_cfi_row(&reader, at, at + CODE_AT + offset, &row);
    return row;
}

static void
require_cfa(uint64_t offset, int cfa_offset)
{
    const struct vmp_row row = row_at(offset);

    assert_int_equal(row.kind, VMP_ROW_PLAIN);
    assert_int_equal(row.cfa_register, vmp_machine.sp);
    assert_int_equal(row.cfa_offset, cfa_offset);
}

/* DW_CFA_set_loc has an address, as the FDE's own is encoded. */
static void
rules_may_begin_at_an_address(void **state)
{
    (void)state;
    static struct vmp_reader reader;
    unsigned char rules[] = { 0x0e, 16,   0x01, 0,    0,    0,
                              0,    0x0e, 32,   0x44, 0x0e, 48 };
    const int32_t way = CODE_AT + 300 - (RULES_AT + 3);

    skip_without_registers();
    if (!can_read(&reader))
        skip_because("no process_vm_readv() here");
    memcpy(rules + 3, &way, sizeof(way));
    make_table(rules, sizeof(rules));
    require_cfa(0, 16);
    require_cfa(299, 16);
    require_cfa(300, 32);
    require_cfa(303, 32);
    require_cfa(304, 48);
    require_cfa(CODE_SIZE - 1, 48);
}

/* So many states inside of each other, and back to the first. */
static void
remember(unsigned count)
{
    unsigned char rules[RULES_SIZE];
    size_t size = 0;

    for (unsigned i = 0; i < count; i++) {
        rules[size++] = 0x0a; /* DW_CFA_remember_state */
        rules[size++] = 0x0e; /* DW_CFA_def_cfa_offset */
        rules[size++] = 16;
    }
    rules[size++] = 0x44;
    for (unsigned i = 0; i < count; i++)
        rules[size++] = 0x0b; /* DW_CFA_restore_state */
    make_table(rules, size);
}

static void
states_are_remembered_inside_of_each_other(void **state)
{
    (void)state;
    static struct vmp_reader reader;

    skip_without_registers();
    if (!can_read(&reader))
        skip_because("no process_vm_readv() here");
    for (unsigned count = 1; count <= 32; count++) {
        remember(count);
        require_cfa(3, 16);
        require_cfa(4, 8);
    }
    /* Who knows more states may unwind it. */
    remember(33);
    assert_int_equal(row_at(3).kind, VMP_ROW_OTHER);
    assert_int_equal(row_at(4).kind, VMP_ROW_OTHER);
    /* One too many comes back: that is nonsense. */
    make_table((const unsigned char[]){ 0x0a, 0x0b, 0x0b }, 3);
    assert_int_equal(row_at(4).kind, VMP_ROW_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_lead_where_libunwind_does),
        cmocka_unit_test(damaged_tables_give_rows_or_none),
        cmocka_unit_test(no_length_leads_back_out_of_an_entry),
        cmocka_unit_test(rules_may_begin_at_an_address),
        cmocka_unit_test(states_are_remembered_inside_of_each_other),
    };

    return cmocka_run_group_tests_name("cfi", tests, NULL, NULL);
}
