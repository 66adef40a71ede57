/* SPDX-License-Identifier: MIT */

/* What the kernel tells of a thread, however much it is. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include "isolate.h"
#include "os/pending.h"
#include "os/status.h"

enum {
    GROUPS = 800, /* whose line comes before the fields that are read */
    NOT_ROOT = 77,
};

static int
read_one(int fd, const char *key, int base, uint64_t *number)
{
    struct vmp_status_word word = { .key = key, .base = base };
    const int r = vmp_status_read(fd, &word, 1);

    *number = word.value;
    return r;
}

static uint64_t
number_behind(const char *key, int base)
{
    const int fd = vmp_status_open(gettid());
    uint64_t number;

    require(fd >= 0);
    require(read_one(fd, key, base, &number) == 0);
    close(fd);
    return number;
}

/* One at the beginning, one behind the groups. */
static void
read_two(void)
{
    struct vmp_status_word words[] = {
        { .key = "\nState:", .base = 36 },
        { .key = "\nvoluntary_ctxt_switches:", .base = 10 },
    };
    const int fd = vmp_status_open(gettid());

    require(fd >= 0);
    require(vmp_status_read(fd, words, LENGTH(words)) == 0);
    require(words[0].value == 'R' - 'A' + 10);
    require(words[1].value < 1000000);
    close(fd);
}

static void
read_behind_many_groups(void)
{
    static gid_t groups[GROUPS];
    for (unsigned i = 0; i < GROUPS; i++)
        groups[i] = 1000000000 + i;
    if (setgroups(GROUPS, groups) < 0)
        _exit(NOT_ROOT);
    /* So that what is looked for stands everywhere in the part that is read. */
    for (unsigned count = GROUPS; count > GROUPS - 400; count--) {
        require(setgroups(count, groups) == 0);
        require(number_behind("\nPid:", 10) == (uint64_t)gettid());
        require(number_behind("\nThreads:", 10) == 1u + is_emulated());
        require(number_behind("\nSigPnd:", 16) == 0);
        require(vmp_is_pending_for(NULL, gettid()) == 0);
    }
    read_two();
}

static void
a_number_is_found_behind_a_line_of_any_length(void **state)
{
    const int status = isolate(read_behind_many_groups, 60);

    (void)state;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ROOT)
        skip_because("only root has groups of its choice");
    assert_int_equal(status, 0);
}

static void
what_is_not_there_is_an_error(void **state)
{
    const int fd = vmp_status_open(gettid()),
              null = open("/dev/null", O_RDONLY);
    uint64_t number;

    (void)state;
    assert_true(fd >= 0 && null >= 0);
    assert_int_equal(read_one(fd, "\nNothing:", 10, &number), -ENOTSUP);
    assert_int_equal(read_one(null, "\nPid:", 10, &number), -ENOTSUP);
    close(null);
    close(fd);
    assert_int_equal(read_one(fd, "\nPid:", 10, &number), -EBADF);
    assert_int_equal(vmp_status_open(0), -ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_found_behind_a_line_of_any_length),
        cmocka_unit_test(what_is_not_there_is_an_error),
    };

    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
