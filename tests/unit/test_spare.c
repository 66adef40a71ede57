/* SPDX-License-Identifier: MIT */

/* Mappings that one owner leaves to the next. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolate.h"
#include "os/spare.h"

enum {
    SIZE = 1 << 16,
    THREADS = 4,
};

static void *
map(size_t size)
{
    void *const map = vmp_spare_map(size);

    require(map != NULL);
    return map;
}

static void *
take(size_t size)
{
    return vmp_spare_take(VMP_SPARE_STACK, size);
}

static bool
give(void *map, size_t size)
{
    return vmp_spare_give(VMP_SPARE_STACK, map, size, 0);
}

static bool
is_mapped(const char *map)
{
    unsigned char resident;

    return mincore((void *)(uintptr_t)map, 1, &resident) == 0 ||
           errno != ENOMEM;
}

static void
what_one_leaves_the_next_one_gets(void **state)
{
    (void)state;
    void *const left = map(SIZE);

    assert_null(take(SIZE));
    assert_true(give(left, SIZE));
    assert_null(vmp_spare_take(VMP_SPARE_RING, SIZE));
    assert_ptr_equal(take(SIZE), left);
    assert_null(take(SIZE));
    munmap(left, SIZE);
}

static void
one_of_another_size_is_unmapped(void **state)
{
    (void)state;
    void *const left = map(SIZE);

    assert_true(give(left, SIZE));
    assert_null(take(2 * (size_t)SIZE));
    assert_false(is_mapped(left));
    assert_null(take(SIZE));
}

static void
one_with_a_guard_is_kept_and_unmapped_whole(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *const left = map(SIZE);

    assert_int_equal(mprotect(left, page, PROT_NONE), 0);
    assert_true(vmp_spare_give(VMP_SPARE_STACK, left, SIZE, page));
    assert_ptr_equal(take(SIZE), left);
    assert_true(vmp_spare_give(VMP_SPARE_STACK, left, SIZE, page));
    assert_true(vmp_spares_drop(VMP_SPARE_STACK));
    assert_false(is_mapped(left));
    assert_false(is_mapped(left + page));
}

/* Of a size of which only `most` are to be kept. */
static void
keep_at_most(size_t size, unsigned most)
{
    void *maps[VMP_MOST_SPARES + 1];

    for (unsigned i = 0; i <= most; i++) {
        maps[i] = map(size);
        require(give(maps[i], size) == (i < most));
    }
    munmap(maps[most], size);
    require(vmp_spares_drop(VMP_SPARE_STACK));
    for (unsigned i = 0; i < most; i++)
        require(!is_mapped(maps[i]));
    require(!take(size));
    require(!vmp_spares_drop(VMP_SPARE_STACK));
}

static void
no_more_are_kept_than_enough(void **state)
{
    (void)state;
    void *const left = map(SIZE);

    keep_at_most(SIZE, VMP_MOST_SPARES);
    keep_at_most(VMP_MOST_SPARE_BYTES / 4, 4);
    assert_false(give(left, (size_t)VMP_MOST_SPARE_BYTES + 1));
    munmap(left, SIZE);
}

static void
sizes_that_differ_add_up(void **state)
{
    (void)state;
    size_t kept = 0;

    for (size_t i = VMP_MOST_SPARES; i; i--) {
        const size_t size = VMP_MOST_SPARE_BYTES / i / SIZE * SIZE;
        void *const left = map(size);

        if (give(left, size))
            kept += size;
        else
            munmap(left, size);
        assert_true(kept <= VMP_MOST_SPARE_BYTES);
    }
    assert_true(kept > VMP_MOST_SPARE_BYTES / 2);
    assert_true(vmp_spares_drop(VMP_SPARE_STACK));
}

/* Sanitizers make nothing of mlock() and munlock(). */
static bool
lock(void *map)
{
    return syscall(SYS_mlock, map, SIZE) == 0;
}

static void
lock_memory(void)
{
    void *const left = map(SIZE);

    require(lock(left));
    require(!give(left, SIZE));
    require(syscall(SYS_munlock, left, SIZE) == 0);
    require(give(left, SIZE));
    require(vmp_spares_drop(VMP_SPARE_STACK));
}

static bool
may_lock(void)
{
    void *const tried = map(SIZE);
    const bool may = lock(tried);

    munmap(tried, SIZE);
    return may;
}

static void
what_is_locked_is_not_kept(void **state)
{
    (void)state;
    if (is_emulated())
        skip_because("an emulator locks nothing");
    if (!may_lock())
        skip_because("this process may not lock memory");
    assert_int_equal(isolate(lock_memory, 60), 0);
}

/* To the size of the process and so much more. */
static void
limit_address_space(size_t more)
{
    FILE *const file = fopen("/proc/self/statm", "r");
    unsigned long pages;
    struct rlimit limit;

    require(file && fscanf(file, "%lu", &pages) == 1 && fclose(file) == 0);
    require(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
    require(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void
keep_a_share(void)
{
    size_t space;
    struct rlimit limit;

    limit_address_space((size_t)1 << 30);
    require(getrlimit(RLIMIT_AS, &limit) == 0);
    /* A sanitizer's process is far larger than what is kept at all. */
    space = limit.rlim_cur / 64 < VMP_MOST_SPARE_BYTES
                ? (size_t)limit.rlim_cur / 64
                : VMP_MOST_SPARE_BYTES;
    keep_at_most(space / 2, 2);
}

static void
where_address_space_is_limited_fewer_are_kept(void **state)
{
    (void)state;
    assert_int_equal(isolate(keep_a_share, 60), 0);
}

static void
limit_data(void)
{
    const struct rlimit limit = { (rlim_t)1 << 32, RLIM_INFINITY };

    require(setrlimit(RLIMIT_DATA, &limit) == 0);
    keep_at_most(((size_t)1 << 26) / 4, 4);
}

static void
where_data_is_limited_fewer_are_kept(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip_because("its shadow is data, and more than any limit");
#endif
    if (is_emulated() || sizeof(void *) == 4)
        skip_because("limits are not kept, or beyond what there is");
    assert_int_equal(isolate(limit_data, 60), 0);
}

static void
make_room(void)
{
    const size_t size = VMP_MOST_SPARE_BYTES / 2;
    void *const left = map(size);

    require(vmp_spare_give(VMP_SPARE_RING, left, size, 0));
    limit_address_space(1 << 20);
    require(munmap(map(size), size) == 0);
    require(!vmp_spare_take(VMP_SPARE_RING, size));
    require(!vmp_spare_map(2 * size));
}

static void
what_is_kept_makes_room_for_what_is_needed(void **state)
{
    (void)state;
    if (is_emulated())
        skip_because("an emulator keeps to no limit");
    assert_int_equal(isolate(make_room, 60), 0);
}

/* Whoever has one finds in it what it has written itself. */
static void *
use(void *user)
{
    void *own = map(SIZE);

    for (unsigned i = 0; i < rounds(100000); i++) {
        void **map_of_mine = take(SIZE);

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
            give(map_of_mine, SIZE);
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
    vmp_spares_drop(VMP_SPARE_STACK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_leaves_the_next_one_gets),
        cmocka_unit_test(one_of_another_size_is_unmapped),
        cmocka_unit_test(one_with_a_guard_is_kept_and_unmapped_whole),
        cmocka_unit_test(no_more_are_kept_than_enough),
        cmocka_unit_test(sizes_that_differ_add_up),
        cmocka_unit_test(what_is_locked_is_not_kept),
        cmocka_unit_test(where_address_space_is_limited_fewer_are_kept),
        cmocka_unit_test(where_data_is_limited_fewer_are_kept),
        cmocka_unit_test(what_is_kept_makes_room_for_what_is_needed),
        cmocka_unit_test(two_threads_never_have_the_same),
    };

    return cmocka_run_group_tests_name("spare", tests, NULL, NULL);
}
