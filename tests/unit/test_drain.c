/* SPDX-License-Identifier: MIT */

/* The writer's side of a thread's ring. */

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmprof/code.h>

#include "record/drain.h"

enum {
    RING = 4096,
    MOST_FRAMES = 4,
};

static struct vmp_thread thread;
static unsigned taken;
static bool is_short; /* of memory */

void *
__real_calloc(size_t count, size_t size);
void *
__wrap_calloc(size_t count, size_t size);

void *
__wrap_calloc(size_t count, size_t size)
{
    return is_short ? NULL : __real_calloc(count, size);
}

/* A record of one frame that was never there before. */
static void
put_record(enum vmp_record_type type, uint64_t weight_ns)
{
    const size_t size =
        sizeof(struct vmp_record) + sizeof(struct vmp_sampled_frame);
    struct vmp_record *const record = vmp_ring_reserve(&thread.ring, size);

    assert_non_null(record);
    memset(record, 0, size);
    record->size = (uint32_t)size;
    record->type = (uint8_t)type;
    record->weight_ns = weight_ns;
    record->added = 1;
    ((struct vmp_sampled_frame *)(record + 1))->code = 4 * (uint64_t)++taken;
    vmp_ring_commit(&thread.ring, record);
}

static void
take_sample(void)
{
    put_record(VMP_RECORD_SAMPLE, 0);
}

/* Asked for with each new code, while it is written. */
static size_t
sample_meanwhile(void *user, uint64_t code, char *buffer)
{
    (void)user;
    if (taken < 100 * RING)
        take_sample();
    return (size_t)snprintf(buffer, VMPROF_NAME_SIZE,
                            "t:f%u:1:", (unsigned)code);
}

static int
drop(void *user, const void *data, size_t size)
{
    (void)user, (void)data, (void)size;
    return 0;
}

static void
a_thread_as_fast_as_the_writer_does_not_keep_it(void **state)
{
    (void)state;
    struct vmp_drain drain = { .start_ns = 1 };
    const struct vmp_session_info session = { .interval_ns = 1000000 };
    uint32_t path[MOST_FRAMES + 1];
    unsigned before;

    assert_int_equal(vmp_ring_new(&thread.ring, RING, 0), 0);
    thread.path = path;
    assert_int_equal(
        vmp_encoder_new(&drain.encoder, drop, sample_meanwhile, NULL), 0);
    assert_int_equal(vmp_encoder_open(drain.encoder, &session), 0);
    for (before = 0; before < 10; before++)
        take_sample();
    vmp_drain(&drain, &thread);
    assert_in_range(taken, 2 * before, RING);
    vmp_encoder_free(drain.encoder);
    vmp_ring_free(&thread.ring);
}

/* Else a gap would be one sample more than were taken. */
static void
what_memory_does_not_do_for_is_counted(void **state)
{
    (void)state;
    struct vmp_drain drain = { .start_ns = 1 };
    const struct vmp_session_info session = { .interval_ns = 1000000 };
    uint32_t path[MOST_FRAMES + 1];
    uint64_t written, unwritten;

    memset(&thread, 0, sizeof(thread));
    assert_int_equal(vmp_ring_new(&thread.ring, RING, 0), 0);
    thread.path = path;
    assert_int_equal(
        vmp_encoder_new(&drain.encoder, drop, sample_meanwhile, NULL), 0);
    assert_int_equal(vmp_encoder_open(drain.encoder, &session), 0);
    is_short = true;
    put_record(VMP_RECORD_GAP, 5000);
    vmp_drain(&drain, &thread);
    assert_int_equal(thread.unsaid_ns, 5000);
    put_record(VMP_RECORD_SAMPLE, 1000);
    vmp_drain(&drain, &thread);
    is_short = false;
    assert_int_equal(thread.unsaid_ns, 0);
    vmp_encoder_count(drain.encoder, &written, &unwritten);
    assert_int_equal(written, 1);
    assert_int_equal(drain.stacks_cut, 2);
    vmp_encoder_free(drain.encoder);
    vmp_ring_free(&thread.ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_as_fast_as_the_writer_does_not_keep_it),
        cmocka_unit_test(what_memory_does_not_do_for_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
