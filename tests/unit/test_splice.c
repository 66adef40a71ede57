/* SPDX-License-Identifier: MIT */

/* VM frames between native frames, by their stack addresses. */

#include "suite.h"

#include "record/splice.h"

enum {
    SP = 1000,
    MOST = 64,
};

static struct vmp_placed_frame placed[MOST];
static struct vmp_unwound native[MOST];
static uint32_t merged[2 * MOST];
static size_t placed_count, native_count, merged_count;

static void
begin(void)
{
    placed_count = native_count = 0;
}

/* VM frames are 1, 2, 3, … from the outermost on. */
static void
place(uint64_t address)
{
    placed[placed_count] =
        (struct vmp_placed_frame){ .place = address,
                                   .frame = (uint32_t)placed_count + 1 };
    placed_count++;
}

/* Native frames are 100, 101, … from the innermost on. */
static void
unwind(uint64_t cfa)
{
    native[native_count] =
        (struct vmp_unwound){ .cfa = cfa,
                              .frame = (uint32_t)(100 + native_count) };
    native_count++;
}

/* One in the main loop, which is at 1000 to 1099. */
static void
unwind_loop(uint64_t cfa)
{
    unwind(cfa);
    native[native_count - 1].pc = 999 + native_count;
}

static void
find_places(void)
{
    const struct vmp_extent loop = { 1000, 1100 };

    vmp_place_in_main_loop(placed, placed_count, native, native_count, SP,
                           &loop);
}

static void
expect(const uint32_t *wanted, size_t count)
{
    merged_count =
        vmp_splice(placed, placed_count, native, native_count, SP, merged);
    assert_int_equal(merged_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(merged[i], wanted[i]);
    for (size_t i = 0; i < placed_count; i++)
        assert_int_equal(merged[placed[i].index], placed[i].frame);
}

#define EXPECT(...)                                                            \
    do {                                                                       \
        const uint32_t wanted_[] = { __VA_ARGS__ };                            \
        expect(wanted_, LENGTH(wanted_));                                      \
    } while (0)

static void
a_frame_is_right_inside_the_function_that_entered_it(void **state)
{
    (void)state;
    begin();
    unwind(1100); /* leaf */
    unwind(1200); /* loop */
    unwind(1300); /* C */
    unwind(1400); /* loop */
    unwind(1500); /* main */
    place(1310);
    place(1110);
    EXPECT(104, 103, 1, 102, 101, 2, 100);
    /* At the first and the last address of a function's frame. */
    placed[0].place = 1300;
    placed[1].place = 1199;
    EXPECT(104, 103, 1, 102, 101, 2, 100);
}

static void
frames_of_one_loop_stay_together(void **state)
{
    (void)state;
    begin();
    unwind(1100);
    unwind(1200);
    unwind(1300);
    place(1150);
    place(1150);
    place(1140);
    EXPECT(102, 101, 1, 2, 3, 100);
}

static void
frames_beyond_what_was_unwound_come_first(void **state)
{
    (void)state;
    begin();
    unwind(1100);
    unwind(1200);
    place(1900);
    place(1200);
    place(1150);
    EXPECT(1, 2, 101, 3, 100);
}

static void
frames_of_another_stack_follow_those_that_called_them(void **state)
{
    (void)state;
    begin();
    unwind(1100);
    unwind(1200);
    place(50000); /* the resumer's, above */
    place(20);    /* or below */
    place(1150);
    place(30); /* a coroutine's on top, entered elsewhere */
    EXPECT(1, 2, 101, 3, 4, 100);
}

static void
no_frame_passes_the_one_that_called_it(void **state)
{
    (void)state;
    begin();
    unwind(1100);
    unwind(1200);
    unwind(1300);
    place(1150);
    place(1250); /* entered before its caller went deeper: impossible */
    place(1050);
    EXPECT(102, 101, 1, 2, 100, 3);
}

static void
one_kind_alone_is_as_it_is(void **state)
{
    (void)state;
    begin();
    expect(NULL, 0);
    unwind(1100);
    unwind(1200);
    EXPECT(101, 100);
    begin();
    place(1100);
    place(0);
    EXPECT(1, 2);
}

static void
each_kind_keeps_its_order_whatever_the_addresses(void **state)
{
    (void)state;
    uint64_t random = 42;

    for (unsigned i = 0; i < 20000; i++) {
        uint64_t cfa = SP;
        uint32_t vm = 0, machine = UINT32_MAX;

        begin();
        while (native_count < draw(&random) % 20)
            unwind(cfa += draw(&random) % 50);
        while (placed_count < draw(&random) % 20)
            place(draw(&random) % 2000);
        merged_count =
            vmp_splice(placed, placed_count, native, native_count, SP, merged);
        assert_int_equal(merged_count, placed_count + native_count);
        for (size_t k = 0; k < merged_count; k++) {
            if (merged[k] < 100) {
                assert_int_equal(merged[k], vm + 1);
                vm = merged[k];
            } else {
                assert_true(merged[k] < machine);
                machine = merged[k];
            }
        }
    }
}

static void
frames_without_a_place_are_put_into_the_main_loop(void **state)
{
    (void)state;
    begin();
    unwind(1100);
    unwind_loop(1200);
    unwind(1300);
    unwind_loop(1400);
    unwind(1500);
    place(0);
    place(0);
    find_places();
    EXPECT(104, 103, 1, 102, 101, 2, 100);
}

static void
what_has_no_call_of_the_main_loop_comes_first(void **state)
{
    (void)state;
    begin();
    unwind(1100);
    unwind_loop(1200);
    unwind(1300);
    place(0);
    place(0);
    find_places();
    EXPECT(1, 102, 101, 2, 100);
    begin();
    unwind(1100);
    place(0);
    find_places();
    EXPECT(1, 100);
}

static void
calls_within_a_frame_that_has_a_place_are_not_its_callers(void **state)
{
    (void)state;
    begin();
    unwind_loop(1100);
    unwind(1200);
    unwind_loop(1300);
    unwind(1400);
    place(0);
    place(1250); /* compiled code, which called a loop whose code is unknown */
    find_places();
    EXPECT(103, 102, 1, 2, 101, 100);
    /* On another stack, it says nothing. */
    begin();
    unwind_loop(1100);
    unwind(1200);
    place(0);
    place(90000);
    find_places();
    EXPECT(101, 100, 1, 2);
}

static void
made_code_is_left_out(void **state)
{
    (void)state;
    begin();
    unwind(1100);
    unwind(1200);
    unwind(1300);
    native[1].is_of_no_file = true;
    native_count = vmp_leave_out_made_code(native, native_count);
    EXPECT(102, 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_right_inside_the_function_that_entered_it),
        cmocka_unit_test(frames_of_one_loop_stay_together),
        cmocka_unit_test(frames_beyond_what_was_unwound_come_first),
        cmocka_unit_test(frames_of_another_stack_follow_those_that_called_them),
        cmocka_unit_test(no_frame_passes_the_one_that_called_it),
        cmocka_unit_test(one_kind_alone_is_as_it_is),
        cmocka_unit_test(frames_without_a_place_are_put_into_the_main_loop),
        cmocka_unit_test(what_has_no_call_of_the_main_loop_comes_first),
        cmocka_unit_test(
            calls_within_a_frame_that_has_a_place_are_not_its_callers),
        cmocka_unit_test(made_code_is_left_out),
        cmocka_unit_test(each_kind_keeps_its_order_whatever_the_addresses),
    };

    return cmocka_run_group_tests_name("splice", tests, NULL, NULL);
}
