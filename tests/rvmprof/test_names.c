/* SPDX-License-Identifier: MIT */

/* Names of codes: in which sessions they stand, and what is left of long ones. */

#include "suite.h"

#include <string.h>

#include "common.h"

enum {
    LONG_NAME = 5000,
};

static void
name_in_one_session_run_in_the_next(void)
{
    struct seen seen;
    Signed uid = 0;

    rpython_thread_begins();
    for (int i = 0; i < 3; i++) {
        const int fd = memory_file();

        begin_session(fd, 0.0005, 0);
        if (!uid)
            uid = rpython_register("known");
        run_until_seen(uid);
        end_session(fd, &seen);
        require(seen_id(&seen, "known") != 0);
        require(seen_share(&seen, seen_id(&seen, "known")) > 0);
        seen_free(&seen);
        close(fd);
    }
}

static void
names_given_while_enabled_are_in_every_later_session(void **state)
{
    (void)state;
    assert_int_equal(isolate(name_in_one_session_run_in_the_next, 60), 0);
}

static bool
is_whole_utf8(const char *text)
{
    while (*text) {
        const unsigned char first = (unsigned char)*text++;
        int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0;

        if ((first & 0xc0) == 0x80)
            return false;
        for (; more; more--)
            if (((unsigned char)*text++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static unsigned
count_colons(const char *name)
{
    unsigned count = 0;

    for (; *name; name++)
        count += *name == ':';
    return count;
}

/* A name of LONG_NAME bytes with a character of two bytes at each place. */
static void
make_long_name(char *to, const char *before, const char *behind)
{
    strcpy(to, before);
    while (strlen(to) + 2 + strlen(behind) <= LONG_NAME)
        strcat(to, "\303\251");
    strcat(to, behind);
}

static void
give_hostile_names(void)
{
    static const char *const parts[][2] = {
        { "py:", ":7:file.py" },     { "py:f:7:/", "/file.py" },
        { "", ":f:7:file.py" },      { "py:f:", ":file.py" },
        { "no colon at all", "" },   { "py:a:b:c:d:e:", ":f" },
        { "py:x:1:100%25 of ", "" },
    };
    static char name[LONG_NAME + 1];
    const int fd = memory_file();
    struct seen seen;
    size_t found = 0;

    rpython_thread_begins();
    begin_session(fd, 0.0005, 0);
    for (size_t i = 0; i < LENGTH(parts); i++) {
        const Signed uid = 4000 + 4 * (Signed)i;

        make_long_name(name, parts[i][0], parts[i][1]);
        require(vmprof_register_virtual_function(name, uid, 0) == 0);
        run_until_seen(uid);
    }
    end_session(fd, &seen);
    for (size_t i = 0; i < seen.name_count; i++) {
        const char *const text = seen.names[i].name;

        require(strlen(text) <= 1023);
        require(count_colons(text) == 3);
        require(is_whole_utf8(text));
        found += strstr(text, "...") != NULL;
    }
    /* What is no line is 0. */
    require(found == LENGTH(parts) - 1);
    seen_free(&seen);
}

static void
names_of_five_thousand_bytes_are_cut_and_whole(void **state)
{
    (void)state;
    assert_int_equal(isolate(give_hostile_names, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_given_while_enabled_are_in_every_later_session),
        cmocka_unit_test(names_of_five_thousand_bytes_are_cut_and_whole),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
