/* SPDX-License-Identifier: MIT */

/* Frames that a VM links itself take the room in the ring that they need. */

#include "suite.h"

#include <string.h>

#include "record/session.h"
#include "record/signal/own_frames.h"
#include "record/signal/sample.h"

enum {
    MOST = 1000,
    RING = 1 << 18,
    FRAME = sizeof(struct vmprof_linked_frame),
};

static struct vmp_thread thread;
static size_t depth, calls;

static size_t
read_some(struct vmprof_thread *head, void *context,
          struct vmprof_linked_frame *frames, size_t room, size_t *cut,
          void *user)
{
    const size_t count = depth < room ? depth : room;

    (void)head;
    (void)context;
    (void)user;
    calls++;
    for (size_t i = 0; i < count; i++)
        frames[i] = (struct vmprof_linked_frame){ .position = i };
    *cut = depth - count;
    return count;
}

static int
set_up(void **state)
{
    (void)state;
    memset(&thread, 0, sizeof(thread));
    vmp_session.max_frames = MOST;
    thread.read = read_some;
    return vmp_ring_new(&thread.ring, RING, 0);
}

static int
tear_down(void **state)
{
    (void)state;
    vmp_ring_free(&thread.ring);
    vmp_session.max_frames = 0;
    return 0;
}

/* Returns how often the VM was asked. */
static size_t
sample(size_t count)
{
    depth = count;
    calls = 0;
    vmp_read_own_frames(&thread, 1000, 1000);
    return calls;
}

/* Leave only so many bytes. */
static void
fill_up_to(size_t left)
{
    while (RING - atomic_load(&thread.ring.head) > left) {
        struct vmp_record *const record = vmp_ring_reserve(&thread.ring, 64);

        assert_non_null(record);
        record->size = 64;
        record->type = VMP_RECORD_WALKED;
        vmp_ring_commit(&thread.ring, record);
    }
}

static void
require_record(size_t count, size_t cut)
{
    const struct vmp_record *const record = vmp_ring_peek(&thread.ring);
    const struct vmprof_linked_frame *frames;

    assert_non_null(record);
    frames = (const void *)(record + 1);
    assert_int_equal(record->added, count);
    assert_int_equal(record->cut, cut);
    assert_int_equal(record->size, sizeof(*record) + count * FRAME);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(frames[i].position, count - 1 - i);
    vmp_ring_consume(&thread.ring, record);
}

static void
deep_stacks_are_read_twice_and_once_when_that_is_known(void **state)
{
    (void)state;
    assert_int_equal(sample(5), 1);
    require_record(5, 0);
    assert_int_equal(sample(900), 2);
    require_record(900, 0);
    assert_int_equal(sample(900), 1);
    require_record(900, 0);
    assert_int_equal(sample(MOST + 7), 1);
    require_record(MOST, 7);
    assert_int_equal(sample(0), 1);
    require_record(0, 0);
    assert_int_equal(sample(MOST + 7), 2);
    require_record(MOST, 7);
    assert_int_equal(thread.counters.samples, 6);
    assert_int_equal(thread.counters.lost_ring_full, 0);
}

static void
a_ring_that_is_nearly_full_has_room_for_shallow_stacks(void **state)
{
    (void)state;
    fill_up_to(4096);
    assert_int_equal(sample(20), 1);
    assert_int_equal(thread.counters.samples, 1);
    /* A deep one is lost whole, and says why. */
    assert_int_equal(sample(900), 1);
    assert_int_equal(thread.counters.samples, 1);
    assert_int_equal(thread.counters.lost_ring_full, 1);
    assert_int_equal(sample(20), 1);
    assert_int_equal(thread.counters.samples, 2);
}

int
main(void)
{
#define with_ring(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_ring(deep_stacks_are_read_twice_and_once_when_that_is_known),
        with_ring(a_ring_that_is_nearly_full_has_room_for_shallow_stacks),
    };

    return cmocka_run_group_tests_name("own_frames", tests, NULL, NULL);
}
