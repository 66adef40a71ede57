/* SPDX-License-Identifier: MIT */

/* One thread fills a ring while another empties it. */

#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "isolate.h"
#include "record/ring.h"

enum {
    SMALL = 4096,
    LARGE = 1 << 20,
};

static struct vmp_ring ring;

/* A record with a number, and that number all over it. */
static bool
put(uint64_t number, size_t words)
{
    const size_t size = sizeof(struct vmp_record) + 8 * words;
    struct vmp_record *const record = vmp_ring_reserve(&ring, size);
    uint64_t *const body = (uint64_t *)(record + 1);

    if (!record)
        return false;
    memset(record, 0, sizeof(*record));
    record->size = (uint32_t)size;
    record->type = VMP_RECORD_SAMPLE;
    record->time_ns = number;
    for (size_t i = 0; i < words; i++)
        body[i] = number;
    vmp_ring_commit(&ring, record);
    return true;
}

/* Returns whether there was one. */
static bool
take(uint64_t expected)
{
    const struct vmp_record *const record = vmp_ring_peek(&ring);
    const uint64_t *const body = (const uint64_t *)(record + 1);

    if (!record)
        return false;
    assert_int_equal(record->type, VMP_RECORD_SAMPLE);
    assert_int_equal(record->time_ns, expected);
    for (size_t i = 0; i < (record->size - sizeof(*record)) / 8; i++)
        assert_int_equal(body[i], expected);
    vmp_ring_consume(&ring, record);
    return true;
}

static void *
produce(void *count)
{
    uint64_t dice = 3;

    for (uint64_t i = 0; i < *(const uint64_t *)count; i++)
        while (!put(i, (size_t)(draw(&dice) % 100)))
            sched_yield();
    return NULL;
}

static void
every_record_arrives_once_and_in_order(void **state)
{
    uint64_t count = rounds(200000), taken = 0;
    pthread_t producer;

    (void)state;
    assert_int_equal(vmp_ring_new(&ring, SMALL, 0), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, &count), 0);
    while (taken < count)
        if (take(taken))
            taken++;
        else
            sched_yield();
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_null(vmp_ring_peek(&ring));
    vmp_ring_free(&ring);
}

static void
a_ring_holds_all_its_bytes_wherever_it_was_emptied(void **state)
{
    const size_t size = sizeof(struct vmp_record) + 8;
    uint64_t taken = 0, put_in = 0;

    (void)state;
    assert_int_equal(vmp_ring_new(&ring, SMALL, 0), 0);
    for (unsigned i = 0; i < 300; i++) {
        for (unsigned j = 0; j < i % 50; j++)
            assert_true(put(put_in++, 1));
        while (take(taken))
            taken++;
        assert_int_equal(taken, put_in);
        while (put(put_in, 1))
            put_in++;
        assert_int_equal(put_in - taken, SMALL / size);
        while (take(taken))
            taken++;
    }
    vmp_ring_free(&ring);
}

static size_t
touched_pages(void)
{
    static unsigned char is_there[LARGE / 4096];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t count = 0;

    assert_int_equal(mincore(ring.data, ring.size, is_there), 0);
    for (size_t i = 0; i < ring.size / page; i++)
        count += is_there[i] & 1;
    return count;
}

static void
memory_is_touched_only_as_far_as_records_pile_up(void **state)
{
    uint64_t number = 0;

    (void)state;
    assert_int_equal(vmp_ring_new(&ring, LARGE, 0), 0);
    for (unsigned i = 0; i < 3000; i++) {
        for (unsigned j = 0; j < 10; j++)
            assert_true(put(number + j, 20));
        for (unsigned j = 0; j < 10; j++)
            assert_true(take(number++));
    }
    assert_in_range(touched_pages(), 1, 2);
    vmp_ring_free(&ring);
}

static void
a_ring_that_held_little_is_left_to_the_next(void **state)
{
    (void)state;
    const unsigned char *first;
    unsigned char is_there;
    uint64_t number = 0;

    assert_int_equal(vmp_ring_new(&ring, LARGE, 8), 0);
    first = ring.data;
    assert_true(put(7, 20));
    vmp_ring_free(&ring);
    assert_int_equal(vmp_ring_new(&ring, LARGE, 8), 0);
    assert_ptr_equal(ring.data, first);
    assert_null(vmp_ring_peek(&ring));
    while (put(number, 100))
        number++;
    vmp_ring_free(&ring);
    assert_int_equal(mincore((void *)(uintptr_t)first, 1, &is_there), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_arrives_once_and_in_order),
        cmocka_unit_test(a_ring_holds_all_its_bytes_wherever_it_was_emptied),
        cmocka_unit_test(memory_is_touched_only_as_far_as_records_pile_up),
        cmocka_unit_test(a_ring_that_held_little_is_left_to_the_next),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
