/* SPDX-License-Identifier: MIT */

/* Mappings that one owner leaves to the next. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "isolate.h"
#include "os/spare.h"

enum {
    SIZE = 1 << 16,
    THREADS = 4,
};

static struct vmp_spares spares;

static void *
map(size_t size)
{
    void *const map = mmap(NULL, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(map, MAP_FAILED);
    return map;
}

static bool
is_mapped(void *map)
{
    unsigned char resident;

    return mincore(map, 1, &resident) == 0 || errno != ENOMEM;
}

static void
what_one_leaves_the_next_one_gets(void **state)
{
    (void)state;
    void *const left = map(SIZE);

    assert_null(vmp_spare_take(&spares, SIZE));
    assert_true(vmp_spare_give(&spares, left, SIZE));
    assert_ptr_equal(vmp_spare_take(&spares, SIZE), left);
    assert_null(vmp_spare_take(&spares, SIZE));
    munmap(left, SIZE);
}

static void
one_of_another_size_is_unmapped(void **state)
{
    (void)state;
    void *const left = map(SIZE);

    assert_true(vmp_spare_give(&spares, left, SIZE));
    assert_null(vmp_spare_take(&spares, 2 * (size_t)SIZE));
    assert_false(is_mapped(left));
    assert_null(vmp_spare_take(&spares, SIZE));
}

static void
no_more_are_kept_than_enough(void **state)
{
    (void)state;
    void *maps[VMP_MOST_SPARES + 1];

    for (unsigned i = 0; i <= VMP_MOST_SPARES; i++) {
        maps[i] = map(SIZE);
        assert_int_equal(vmp_spare_give(&spares, maps[i], SIZE),
                         i < VMP_MOST_SPARES);
    }
    munmap(maps[VMP_MOST_SPARES], SIZE);
    vmp_spares_drop(&spares);
    for (unsigned i = 0; i < VMP_MOST_SPARES; i++)
        assert_false(is_mapped(maps[i]));
    assert_null(vmp_spare_take(&spares, SIZE));
}

/* Where address space is short even one may be too many. */
static void
none_is_kept_that_is_a_good_part_of_all_there_is(void **state)
{
    (void)state;
    const size_t size = SIZE_MAX / 32;
    size_t first_word;

    assert_false(vmp_spare_give(&spares, &first_word, size));
}

/* Whoever has one finds in it what it has written itself. */
static void *
use(void *user)
{
    void *own = map(SIZE);

    for (unsigned i = 0; i < rounds(100000); i++) {
        void **map_of_mine = vmp_spare_take(&spares, SIZE);

        if (!map_of_mine) {
            map_of_mine = own;
            own = NULL;
        }
        if (!map_of_mine)
            continue;
        map_of_mine[1] = user;
        if (map_of_mine[1] != user)
            return NULL;
        if (own || i % 2)
            vmp_spare_give(&spares, map_of_mine, SIZE);
        else
            own = map_of_mine;
    }
    return user;
}

static void
two_threads_never_have_the_same(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int names[THREADS];
    void *result;

    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, &names[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &names[i]);
    }
    vmp_spares_drop(&spares);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_leaves_the_next_one_gets),
        cmocka_unit_test(one_of_another_size_is_unmapped),
        cmocka_unit_test(no_more_are_kept_than_enough),
        cmocka_unit_test(none_is_kept_that_is_a_good_part_of_all_there_is),
        cmocka_unit_test(two_threads_never_have_the_same),
    };

    return cmocka_run_group_tests_name("spare", tests, NULL, NULL);
}
