/* SPDX-License-Identifier: MIT */

/* The times of events, from what a word of the ring has of them. */

#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include <vmprof/vmprof.h>

#include "decode.h"
#include "isolate.h"
#include "record/jit/drain.h"

enum {
    CAPACITY = 1024,
    SESSION = 3,
    TIME_BITS = 37,
};

static const uint64_t WRAP = (uint64_t)1 << TIME_BITS;

static struct vmprof_thread thread;
static struct vmp_jit jit;
static struct vmp_jit_drain drain;
static unsigned char *bytes;
static size_t byte_count;

static int
take_bytes(void *user, const void *data, size_t size)
{
    (void)user;
    bytes = realloc(bytes, byte_count + size);
    assert_non_null(bytes);
    memcpy(bytes + byte_count, data, size);
    byte_count += size;
    return 0;
}

static size_t
no_name(void *user, uint64_t code, char *buffer)
{
    (void)user;
    (void)code;
    *buffer = 0;
    return 0;
}

static int
set_up(void **state)
{
    const struct vmp_jit_wishes wishes = { .emits = VMPROF_EMIT_EVENT,
                                           .capacity = CAPACITY };
    const struct vmp_session_info info = { .interval_ns = 1000000 };
    const struct vmp_thread_info described = { .name = "t" };

    (void)state;
    byte_count = 0;
    memset(&jit, 0, sizeof(jit));
    vmp_jit_init(&jit);
    thread.jit_ring = &jit.ring;
    vmp_jit_join(&jit, SESSION, &wishes, 0);
    assert_true(vmp_jit_make_room(&jit.ring));
    assert_int_equal(vmp_encoder_new(&drain.encoder, take_bytes, no_name, NULL),
                     0);
    assert_int_equal(vmp_encoder_open(drain.encoder, &info), 0);
    vmp_encoder_thread(drain.encoder, 0, &described);
    drain.session = SESSION;
    vmp_jit_mark(&drain, &jit, 0, 1);
    vmp_jit_drain(&drain, &jit, 0, false); /* of its marks the last is left */
    return 0;
}

/* The memory of the ring stays, as it does in the library. */
static int
tear_down(void **state)
{
    (void)state;
    vmp_encoder_free(drain.encoder);
    vmp_jit_recycle(&jit);
    free(bytes);
    bytes = NULL;
    return 0;
}

/* As if an event of a number had come at that time. */
static void
put(vmprof_jit_id id, uint64_t ticks)
{
    jit.ring.records[jit.ring.index++ & jit.ring.mask] =
        ticks << VMPROF_RECORD_TIME_SHIFT |
        (uint64_t)id << VMPROF_RECORD_ID_SHIFT | VMPROF_EDGE_JUMP;
}

/* And the writer had looked then. */
static void
mark(uint64_t ticks)
{
    struct vmp_mark *const last = &jit.marks[1];

    vmp_jit_mark(&drain, &jit, 0, 1);
    assert_int_equal(jit.mark_count, 2);
    last->ticks = ticks;
    vmp_jit_drain(&drain, &jit, 0, false);
}

static struct decoded
read_back(void)
{
    struct decoded d;

    vmp_encoder_end(drain.encoder, 1);
    if (decode(&d, bytes, byte_count) < 0)
        fail_msg("%s", d.error);
    return d;
}

static void
times_are_whole_again(void **state)
{
    /* From the first mark, which is at one wrap and a little. */
    static const int64_t since[] = { 0,   1,         -1,          1000,
                                     100, 1LL << 35, -(1LL << 34) };
    const uint64_t start = 5 * WRAP + 77;
    struct decoded d;

    (void)state;
    jit.marks[0].ticks = start;
    for (unsigned i = 0; i < LENGTH(since); i++)
        put(i + 1, start + (uint64_t)since[i]);
    mark(start + (WRAP >> 1));
    put(100, start + (WRAP >> 1) + 5);
    put(101, start + WRAP - 1);
    put(102, start + WRAP + 1);
    mark(start + WRAP);
    d = read_back();
    assert_int_equal(d.event_count, LENGTH(since) + 3);
    for (unsigned i = 0; i < LENGTH(since); i++) {
        assert_int_equal(d.events[i].id, i + 1);
        assert_int_equal((uint64_t)d.events[i].ticks,
                         start + (uint64_t)since[i]);
    }
    assert_int_equal((uint64_t)d.events[7].ticks, start + (WRAP >> 1) + 5);
    assert_int_equal((uint64_t)d.events[8].ticks, start + WRAP - 1);
    assert_int_equal((uint64_t)d.events[9].ticks, start + WRAP + 1);
    decoded_free(&d);
}

static void
times_that_are_not_certain_are_lost(void **state)
{
    uint64_t events = 0, lost = 0;
    struct decoded d;

    (void)state;
    jit.marks[0].ticks = 1000;
    put(1, 1001);
    put(2, 1002 + WRAP);
    mark(1000 + (WRAP >> 1) + 1); /* the writer stood still for too long */
    put(3, 1000 + WRAP);
    mark(1000 + WRAP);
    vmp_jit_count(&jit, SESSION, &events, &lost);
    assert_int_equal(events, 1);
    assert_int_equal(lost, 2);
    d = read_back();
    assert_int_equal(d.event_count, 1);
    assert_int_equal(d.events[0].id, 3);
    assert_int_equal(d.events[0].number, 0);
    assert_int_equal(d.events[0].lost, 2);
    assert_int_equal((uint64_t)d.events[0].ticks, 1000 + WRAP);
    decoded_free(&d);
}

/* It asked for room when the session was there, and got on when it was over. */
static void
a_thread_that_joins_too_late_has_no_events(void **state)
{
    const struct vmp_jit_wishes wishes = { .emits = VMPROF_EMIT_EVENT,
                                           .capacity = CAPACITY };
    uint64_t events = 0, lost = 0;

    (void)state;
    put(1, 1001);
    mark(2000);
    vmp_jit_part(&jit);
    vmp_jit_join(&jit, SESSION + 1, &wishes, 0);
    drain.session = SESSION + 1;
    vmp_jit_mark(&drain, &jit, 0, 1);
    assert_true(vmp_jit_make_room(&jit.ring));
    vmp_jit_part(&jit);
    vmp_jit_drain(&drain, &jit, 0, true);
    vmp_jit_count(&jit, SESSION + 1, &events, &lost);
    assert_int_equal(events, 0);
    assert_int_equal(lost, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(times_are_whole_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(times_that_are_not_certain_are_lost,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_thread_that_joins_too_late_has_no_events, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
