/* SPDX-License-Identifier: MIT */

/* How often threads have slept: of one, by a file that stays open, and of all but
 * who asks. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "descriptors.h"
#include "os/naps.h"

static sem_t go_on;
static atomic_int tid;
static pthread_t sleeper;
static struct vmp_status_files files;
static bool naps_now;

static void *
sleep_when_told(void *user)
{
    atomic_store(&tid, gettid());
    require(sem_wait(&go_on) == 0);
    require(sem_wait(&go_on) == 0);
    return user;
}

static void
start_sleeper(void)
{
    require(sem_init(&go_on, 0, 0) == 0);
    atomic_store(&tid, 0);
    require(pthread_create(&sleeper, NULL, sleep_when_told, NULL) == 0);
    require(wait_until(atomic_load(&tid), 5000));
}

static void
end_sleeper(void)
{
    sem_post(&go_on);
    sem_post(&go_on);
    require(pthread_join(sleeper, NULL) == 0);
}

static int64_t
naps_of_sleeper(void)
{
    return vmp_thread_naps(&files, atomic_load(&tid), &naps_now);
}

static int
fd_of_sleeper(void)
{
    return files.kept[(unsigned)atomic_load(&tid) % VMP_STATUS_FILES].fd;
}

static void
forget_all(void)
{
    for (unsigned i = 0; i < VMP_STATUS_FILES; i++) {
        if (files.kept[i].tid)
            close(files.kept[i].fd);
        files.kept[i].tid = 0;
    }
}

static void
a_nap_is_counted_by_a_file_that_is_opened_once(void **state)
{
    int64_t others;
    unsigned were_open;

    (void)state;
    usleep(1000); /* who asks for others has slept before */
    start_sleeper();
    require(wait_until(naps_of_sleeper() >= 1, 5000));
    others = vmp_others_naps();
    were_open = open_descriptors();
    assert_true(others >= naps_of_sleeper());
    sem_post(&go_on);
    require(wait_until(naps_of_sleeper() >= 2, 5000));
    assert_true(vmp_others_naps() > others);
    assert_int_equal(open_descriptors(), were_open);
    end_sleeper();
    forget_all();
}

static void
who_sleeps_and_who_asks_are_told_apart(void **state)
{
    (void)state;
    start_sleeper();
    require(wait_until(naps_of_sleeper() >= 0 && naps_now, 5000));
    assert_true(vmp_thread_naps(&files, gettid(), &naps_now) >= 0);
    assert_false(naps_now);
    end_sleeper();
    assert_int_equal(naps_of_sleeper(), -ENOENT);
    assert_false(naps_now);
    forget_all();
}

static void
naps_of_who_asks_are_not_those_of_others(void **state)
{
    int64_t others;

    (void)state;
    usleep(1000);
    others = vmp_others_naps();
    assert_true(others >= 0);
    for (unsigned i = 0; i < 20; i++)
        usleep(100);
    assert_int_equal(vmp_others_naps(), others);
}

static void
who_has_ended_has_no_naps_and_no_file(void **state)
{
    const unsigned were_open = open_descriptors();

    (void)state;
    start_sleeper();
    assert_true(naps_of_sleeper() >= 0);
    assert_int_equal(open_descriptors(), were_open + 1);
    end_sleeper();
    require(wait_until(naps_of_sleeper() < 0, 5000));
    assert_int_equal(naps_of_sleeper(), -ENOENT);
    assert_int_equal(open_descriptors(), were_open);
}

/* The file of one that has ended, while another has its number. */
static void
a_number_that_is_used_again_has_a_file_of_its_own(void **state)
{
    const unsigned were_open = open_descriptors();
    int fd;

    (void)state;
    start_sleeper();
    assert_true(naps_of_sleeper() >= 0);
    fd = dup(fd_of_sleeper());
    end_sleeper();
    forget_all();
    start_sleeper();
    files.kept[(unsigned)atomic_load(&tid) % VMP_STATUS_FILES].tid =
        atomic_load(&tid);
    files.kept[(unsigned)atomic_load(&tid) % VMP_STATUS_FILES].fd = fd;
    require(wait_until(naps_of_sleeper() >= 1, 5000));
    assert_int_equal(open_descriptors(), were_open + 1);
    end_sleeper();
    forget_all();
}

static void
two_that_share_a_place_take_turns(void **state)
{
    const unsigned were_open = open_descriptors();
    unsigned i;

    (void)state;
    start_sleeper();
    i = (unsigned)atomic_load(&tid) % VMP_STATUS_FILES;
    files.kept[i].tid = atomic_load(&tid) + VMP_STATUS_FILES;
    files.kept[i].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(naps_of_sleeper() >= 0);
    assert_int_equal(files.kept[i].tid, atomic_load(&tid));
    assert_int_equal(open_descriptors(), were_open + 1);
    end_sleeper();
    forget_all();
}

static void
without_a_descriptor_left_nothing_is_kept(void **state)
{
    struct rlimit before, none;

    (void)state;
    start_sleeper();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ 0, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(naps_of_sleeper(), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(naps_of_sleeper() >= 0);
    end_sleeper();
    forget_all();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nap_is_counted_by_a_file_that_is_opened_once),
        cmocka_unit_test(who_sleeps_and_who_asks_are_told_apart),
        cmocka_unit_test(naps_of_who_asks_are_not_those_of_others),
        cmocka_unit_test(who_has_ended_has_no_naps_and_no_file),
        cmocka_unit_test(a_number_that_is_used_again_has_a_file_of_its_own),
        cmocka_unit_test(two_that_share_a_place_take_turns),
        cmocka_unit_test(without_a_descriptor_left_nothing_is_kept),
    };

    return cmocka_run_group_tests_name("naps", tests, NULL, NULL);
}
