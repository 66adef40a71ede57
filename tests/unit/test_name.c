/* SPDX-License-Identifier: MIT */

#include "suite.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vmprof/code.h>

#include "format/name.h"

static char buffer[VMPROF_NAME_SIZE];

static const char *
format(const char *code_class, const char *function, long line,
       const char *file)
{
    const int size = vmprof_format_name(buffer, sizeof(buffer), code_class,
                                        function, line, file);

    assert_in_range(size, 3, VMPROF_NAME_SIZE - 1);
    assert_int_equal(size, strlen(buffer));
    assert_true(vmp_name_is_full(buffer));
    return buffer;
}

/* Whether the text is whole UTF-8 characters. */
static bool
is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p) {
        unsigned more = *p < 0x80             ? 0
                        : (*p & 0xe0) == 0xc0 ? 1
                        : (*p & 0xf0) == 0xe0 ? 2
                        : (*p & 0xf8) == 0xf0 ? 3
                                              : 9;
        if (more == 9)
            return false;
        for (p++; more; more--, p++)
            if ((*p & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static void
the_four_parts_stand_between_three_colons(void **state)
{
    (void)state;
    char longest[40];

    assert_string_equal(format("py", "main", 12, "/a/b.py"),
                        "py:main:12:/a/b.py");
    assert_string_equal(format(NULL, NULL, 0, NULL), "::0:");
    assert_string_equal(format("lua", "f", -3, ""), "lua:f:0:");
    snprintf(longest, sizeof(longest), "lua:f:%ld:x", LONG_MAX);
    assert_string_equal(format("lua", "f", LONG_MAX, "x"), longest);
    assert_string_equal(format("lua", "f", LONG_MIN, "x"), "lua:f:0:x");
}

static void
colons_and_percent_signs_are_escaped_and_nothing_else_is(void **state)
{
    (void)state;
    assert_string_equal(format("c:", "A::b%c", 1, "C:\\x:%3A"),
                        "c%3A:A%3A%3Ab%25c:1:C%3A\\x%3A%253A");
    assert_string_equal(format("c", "a\n\t\x01 \"", 1, "\x7f"),
                        "c:a\n\t\x01 \":1:\x7f");
}

static void
a_buffer_that_could_be_too_small_is_refused_untouched(void **state)
{
    (void)state;
    for (size_t size = 0; size < VMPROF_NAME_SIZE; size++) {
        char small[8] = "before";

        assert_int_equal(vmprof_format_name(small, size, "a", "b", 1, "c"),
                         -EINVAL);
        assert_string_equal(small, "before");
    }
}

/* Fill a text with `size` bytes or just over of one character. */
static const char *
text_of(const char *character, size_t size)
{
    static char text[1200];
    const size_t one = strlen(character);
    size_t used = 0;

    while (used < size && used + one < sizeof(text)) {
        memcpy(text + used, character, one);
        used += one;
    }
    text[used] = 0;
    return text;
}

static void
every_length_is_kept_or_cut_visibly_between_characters(void **state)
{
    (void)state;
    const char *const characters[] = { "x",      ":",      "%",
                                       "\u00e9", "\u20ac", "\U0001f600" };

    for (size_t c = 0; c < LENGTH(characters); c++)
        for (size_t size = 0; size <= 1100; size++) {
            const char *const text = text_of(characters[c], size);
            const bool escaped = c == 1 || c == 2;

            for (unsigned part = 0; part < 3; part++) {
                const char *const name =
                    format(part == 0 ? text : "c", part == 1 ? text : "f", 7,
                           part == 2 ? text : "");

                assert_true(is_utf8(name));
                if (!strstr(name, "...") && !escaped)
                    assert_non_null(strstr(name, text));
                else if (escaped)
                    assert_null(strstr(name, "%3..."));
            }
        }
}

static void
all_parts_too_long_at_once_still_fit(void **state)
{
    (void)state;
    char longest[5000], end[40];
    const char *name;

    memset(longest, 'y', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    name = format(longest, longest, LONG_MAX, longest);
    assert_int_equal(strlen(name), VMPROF_NAME_SIZE - 1);
    assert_string_equal(name + VMPROF_NAME_SIZE - 4, "...");
    assert_non_null(strstr(name, "...:yyy"));
    snprintf(end, sizeof(end), "...:%ld:yyy", LONG_MAX);
    assert_non_null(strstr(name, end));
}

static void
bytes_that_are_no_utf8_are_no_trouble(void **state)
{
    (void)state;
    char bytes[1100];

    for (unsigned value = 0x80; value < 0x100; value++) {
        memset(bytes, (int)value, sizeof(bytes) - 1);
        bytes[sizeof(bytes) - 1] = 0;
        format(bytes, bytes, 1, bytes);
    }
    bytes[1] = 0;
    bytes[0] = (char)0xf0;
    assert_string_equal(format("c", bytes, 1, "f"), "c:\xf0:1:f");
}

static void
a_name_is_full_with_exactly_three_colons(void **state)
{
    (void)state;
    assert_true(vmp_name_is_full(":::"));
    assert_true(vmp_name_is_full("a:b:1:c"));
    assert_false(vmp_name_is_full(""));
    assert_false(vmp_name_is_full("a:b:1"));
    assert_false(vmp_name_is_full("a:b:1:c:d"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_parts_stand_between_three_colons),
        cmocka_unit_test(
            colons_and_percent_signs_are_escaped_and_nothing_else_is),
        cmocka_unit_test(a_buffer_that_could_be_too_small_is_refused_untouched),
        cmocka_unit_test(
            every_length_is_kept_or_cut_visibly_between_characters),
        cmocka_unit_test(all_parts_too_long_at_once_still_fit),
        cmocka_unit_test(bytes_that_are_no_utf8_are_no_trouble),
        cmocka_unit_test(a_name_is_full_with_exactly_three_colons),
    };

    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
