/* SPDX-License-Identifier: MIT */

/* Time that no sample was taken of: it goes to who was active all the time. */

#include "suite.h"

#include <string.h>

#include "by_hand.h"
#include "format/format.h"

enum {
    MS = 1000 * 1000,
};

static vmprof_code_id outer, inner, other;
static struct vmprof_thread *head;

static struct vmp_thread *
thread(void)
{
    return (struct vmp_thread *)head;
}

/* A record of the stack as it is now; with time before it that no sample was
 * taken of. No clock ticks meanwhile. */
static void
record(uint64_t gap_ns)
{
    struct vmp_window window;
    const uint64_t now_ns = thread()->last_time_ns + 10 * MS;

    vmp_look_at_stack(thread(), &window);
    if (gap_ns)
        require(vmp_record_gap(thread(), &window, VMP_KIND_SYSTEM,
                               thread()->last_time_ns + gap_ns, gap_ns));
    vmp_count(&thread()->counters.expirations, 1);
    require(vmp_record_stack(thread(), &window, now_ns, 10 * MS - gap_ns, 0));
}

/* "name/name/[8]": the names of a sample's stack, outermost first. */
static const char *
stack_of(const struct decoded *d, size_t sample)
{
    static char text[500];
    uint32_t frames[50];
    const size_t count = decoded_stack(d, d->samples[sample].node, frames, 50);

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct decoded_frame *const frame = &d->frames[frames[i]];
        const char *const name = decoded_name(d, frame->code);
        char *const end = text + strlen(text);

        if (frame->kind >= VMP_KIND_SYSTEM)
            sprintf(end, "/[%u]", (unsigned)frame->kind);
        else if (frame->has_offset || frame->line)
            sprintf(end, "/%.1s:%u", name + 2, (unsigned)frame->line);
        else
            sprintf(end, "/%.1s", name + 2);
    }
    return text;
}

static bool
is_stack(const struct decoded *d, size_t sample, const char *expected)
{
    const char *const found = stack_of(d, sample);

    if (strcmp(found, expected))
        dprintf(2, "sample %zu: %s, not %s\n", sample, found, expected);
    return !strcmp(found, expected);
}

/* Of positions that are their own lines. */
static int
locate(void *user, void *object, uintptr_t position,
       struct vmprof_location *location)
{
    (void)user;
    (void)object;
    location->line = (uint32_t)position;
    return 0;
}

static int
begin(void)
{
    outer = code_named("outer");
    inner = code_named("inner");
    other = code_named("xother");
    require(vmprof_attach_thread(NULL, &head) == 0);
    return begin_by_hand(head, 0);
}

static void
prefix(void)
{
    const int file = begin();
    vmprof_token bottom, top;
    struct decoded d;

    bottom = vmprof_execute_code_enter(head, outer, NULL);
    top = vmprof_execute_code_enter(head, inner, NULL);
    record(0);
    record(4 * MS); /* nothing has changed */
    vmprof_execute_code_leave(head, top);
    top = vmprof_execute_code_enter(head, inner, NULL);
    record(4 * MS); /* another call of the same function */
    record(0);
    vmprof_execute_code_leave(head, bottom);
    bottom = vmprof_execute_code_enter(head, other, NULL);
    record(4 * MS); /* another call beneath all */
    vmprof_execute_code_leave(head, bottom);

    finish_profile(file, &d);
    require(d.sample_count == 8);
    require(is_stack(&d, 0, "/o/i"));
    require(is_stack(&d, 1, "/o/i/[8]"));
    require(is_stack(&d, 2, "/o/i"));
    require(is_stack(&d, 3, "/o/[8]"));
    require(is_stack(&d, 4, "/o/i"));
    require(is_stack(&d, 5, "/o/i"));
    require(is_stack(&d, 6, "/[8]"));
    require(is_stack(&d, 7, "/x"));
    decoded_free(&d);
}

static void
a_gap_belongs_to_the_frames_that_were_active_ever_since(void **state)
{
    (void)state;
    assert_int_equal(isolate(prefix, 20), 0);
}

static void
coroutines(void)
{
    const int file = begin();
    struct vmprof_stack *stack;
    struct decoded d;

    require(vmprof_new_stack(0, &stack) == 0);
    vmprof_execute_code_enter(head, outer, NULL);
    require(vmprof_resume_stack(head, stack) == 0);
    vmprof_execute_code_enter(head, inner, NULL);
    record(0);
    record(4 * MS); /* both ran on */
    require(vmprof_yield_stack(head) == 0);
    require(vmprof_resume_stack(head, stack) == 0);
    record(4 * MS); /* the coroutine slept in between */
    require(vmprof_yield_stack(head) == 0);
    record(0);
    require(vmprof_switch_stack(head, stack) == 0);
    require(vmprof_switch_stack(head, NULL) == 0);
    record(4 * MS); /* and now its caller */

    finish_profile(file, &d);
    require(d.sample_count == 8);
    require(is_stack(&d, 1, "/o/i/[8]"));
    require(is_stack(&d, 3, "/o/[8]"));
    require(is_stack(&d, 4, "/o/i"));
    require(is_stack(&d, 6, "/[8]"));
    require(is_stack(&d, 7, "/o"));
    decoded_free(&d);
}

static void
a_stack_that_slept_meanwhile_is_not_charged_with_a_gap(void **state)
{
    (void)state;
    assert_int_equal(isolate(coroutines, 20), 0);
}

static void
lines(void)
{
    struct vmprof_code_class_options options;
    struct vmprof_code_class *class;
    vmprof_code_id code;
    uintptr_t position = 7;
    struct decoded d;
    int file;

    vmprof_code_class_options_init(&options);
    options.locate = locate;
    require(vmprof_register_code_class("u", &options, &class) == 0);
    require(vmprof_register_code(class, &code, "u:f:1:", &code) == 0);
    file = begin();
    vmprof_execute_code_enter(head, code, &position);
    record(0);
    record(4 * MS); /* at the same line */
    position = 8;
    record(4 * MS); /* somewhere between two lines */

    finish_profile(file, &d);
    require(d.sample_count == 5);
    require(is_stack(&d, 1, "/f:7/[8]"));
    require(is_stack(&d, 2, "/f:7"));
    require(is_stack(&d, 3, "/f/[8]"));
    require(is_stack(&d, 4, "/f:8"));
    decoded_free(&d);
}

static void
a_gap_has_a_line_only_if_it_began_and_ended_there(void **state)
{
    (void)state;
    assert_int_equal(isolate(lines, 20), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_gap_belongs_to_the_frames_that_were_active_ever_since),
        cmocka_unit_test(
            a_stack_that_slept_meanwhile_is_not_charged_with_a_gap),
        cmocka_unit_test(a_gap_has_a_line_only_if_it_began_and_ended_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
