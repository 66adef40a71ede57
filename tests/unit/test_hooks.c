/* SPDX-License-Identifier: MIT */

/* Trace and profile functions of several holders, from events with a known
 * answer. */

#include "holder.h"

static void
fire(enum vmprof_event_kind kind, char letter)
{
    fire_on(self, kind, letter);
}

static void
each_frame_that_is_traced_is_told_of_until_it_ends(void **state)
{
    (void)state;
    struct holder a;

    begin_tracing(&a, "a");
    run_on(self, "A");
    fire(VMPROF_EVENT_LINE, 'A');
    run_on(self, "B");
    fire(VMPROF_EVENT_LINE, 'B');
    run_on(self, ")Bc)c");
    fire(VMPROF_EVENT_LINE, 'A');
    run_on(self, ")A");
    expect(&a, "cA lA cB lB rB lA rA ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
    assert_false(vmprof_wants_event(self, VMPROF_EVENTS_ALL));
}

static void
a_frame_that_is_not_wanted_is_not_told_of(void **state)
{
    (void)state;
    struct holder a;

    begin_tracing(&a, "a");
    a.only = 'B';
    run_on(self, "A");
    fire(VMPROF_EVENT_LINE, 'A');
    run_on(self, "B");
    fire(VMPROF_EVENT_LINE, 'B');
    a.result = VMPROF_TRACE_NOT;
    fire(VMPROF_EVENT_LINE, 'B');
    fire(VMPROF_EVENT_LINE, 'B');
    run_on(self, ")B)A");
    expect(&a, "cA cB lB lB ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

static void
what_ran_before_the_function_was_set_is_not_traced(void **state)
{
    (void)state;
    struct holder a;

    begin(&a, "a");
    assert_int_equal(vmprof_set_profile(a.hooks, NULL, profile, &a), 0);
    run_on(self, "A");
    assert_int_equal(vmprof_set_trace(a.hooks, NULL, trace, &a, 0), 0);
    assert_int_equal(vmprof_set_profile(a.hooks, NULL, NULL, NULL), 0);
    fire(VMPROF_EVENT_LINE, 'A');
    run_on(self, "B)B)A)C");
    expect(&a, "cA cB rB ");
    /* One that is set in between does not get the other's frames. */
    run_on(self, "A");
    assert_int_equal(vmprof_set_trace(a.hooks, NULL, trace, &a, 0), 0);
    fire(VMPROF_EVENT_LINE, 'A');
    run_on(self, ")A");
    expect(&a, "cA ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

/* C raises, B lets it through, A catches it. The VM tells of the raise alone,
 * or in each frame. */
static void
an_exception_is_told_of_once_in_each_frame(void **state)
{
    (void)state;
    struct holder a;

    begin_tracing(&a, "a");
    run_on(self, "ABC");
    fire(VMPROF_EVENT_RAISE, 'C');
    run_on(self, "!C!B");
    fire(VMPROF_EVENT_HANDLED, 'A');
    fire(VMPROF_EVENT_LINE, 'A');
    run_on(self, ")A");
    expect(&a, "cA cB cC xC rC xB rB xA lA rA ");
    run_on(self, "AB");
    fire(VMPROF_EVENT_RAISE, 'B');
    run_on(self, "!B");
    fire(VMPROF_EVENT_RAISE, 'A');
    fire(VMPROF_EVENT_HANDLED, 'A');
    run_on(self, ")A");
    expect(&a, "cA cB xB rB xA rA ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

static void
a_generator_is_called_each_time_that_it_goes_on(void **state)
{
    (void)state;
    struct holder a;

    begin_tracing(&a, "a");
    run_on(self, "AG~G^G~G&G!G)A");
    expect(&a, "cA cG rG cG rG cG xG rG xA rA ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

static void
bytecodes_are_told_of_where_they_are_asked_for(void **state)
{
    (void)state;
    struct holder a;

    begin_tracing(&a, "a");
    assert_false(
        vmprof_wants_event(self, VMPROF_EVENT_BIT(VMPROF_EVENT_INSTRUCTION)));
    assert_int_equal(
        vmprof_set_trace(a.hooks, NULL, trace, &a, VMPROF_TRACE_OPCODES), 0);
    run_on(self, "A");
    fire(VMPROF_EVENT_INSTRUCTION, 'A');
    a.opcodes = true;
    run_on(self, "B");
    fire(VMPROF_EVENT_INSTRUCTION, 'B');
    run_on(self, ")B)A");
    expect(&a, "cA cB oB rB rA ");
    assert_int_equal(vmprof_set_trace(a.hooks, NULL, trace, &a, 2), -EINVAL);
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

static void
a_profile_function_is_told_of_calls_of_c_too(void **state)
{
    (void)state;
    struct holder a;

    begin(&a, "a");
    assert_int_equal(vmprof_set_profile(a.hooks, NULL, profile, &a), 0);
    run_on(self, "Ac)cc!cG~G^G)GB!B)A");
    fire(VMPROF_EVENT_LINE, 'A');
    expect(&a, "cA pC qC pC zC cG rG cG rG cB rB rA ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

static void
holders_do_not_replace_each_other(void **state)
{
    (void)state;
    struct holder a, b, c;

    begin_tracing(&a, "a");
    begin_tracing(&b, "b");
    begin(&c, "c");
    assert_int_equal(vmprof_set_profile(c.hooks, NULL, profile, &c), 0);
    a.only = 'A';
    b.only = 'B';
    run_on(self, "AB");
    fire(VMPROF_EVENT_LINE, 'B');
    assert_int_equal(vmprof_set_trace(a.hooks, NULL, NULL, NULL, 0), 0);
    run_on(self, ")B)A");
    expect(&a, "cA cB ");
    expect(&b, "cA cB lB rB ");
    expect(&c, "cA cB rB rA ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
    assert_int_equal(vmprof_free_hooks(b.hooks), 0);
    assert_int_equal(vmprof_free_hooks(c.hooks), 0);
}

static int
fire_call(char letter)
{
    const struct vmprof_event event = {
        .kind = VMPROF_EVENT_CALL,
        .code = code_of(letter),
    };

    return vmprof_fire_event(self, &event);
}

static void
a_function_that_fails_is_told_no_more_and_others_are(void **state)
{
    (void)state;
    struct vmprof_hooks_info info;
    struct holder a, b;

    begin_tracing(&a, "a");
    begin_tracing(&b, "b");
    a.fails_after = 2;
    assert_int_equal(fire_call('A'), 0);
    assert_int_equal(fire_call('B'), -ECANCELED);
    run_on(self, "C)C)B)A");
    expect(&a, "cA cB ");
    expect(&b, "cA cB cC rC rB rA ");
    vmprof_hooks_info_init(&info);
    assert_int_equal(vmprof_get_hooks(a.hooks, self, &info), 0);
    assert_null(info.trace);
    assert_int_equal(vmprof_get_hooks(a.hooks, NULL, &info), 0);
    assert_ptr_equal(info.trace, trace);
    /* Until it is set anew. */
    assert_int_equal(vmprof_set_trace(a.hooks, NULL, trace, &a, 0), 0);
    run_on(self, "A)A");
    expect(&a, "cA rA ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
    assert_int_equal(vmprof_free_hooks(b.hooks), 0);
}

static void
everyone_can_see_who_is_there(void **state)
{
    (void)state;
    struct vmprof_hooks_info info;
    struct vmprof_hooks *hooks;
    struct holder a, b;

    begin(&a, "a");
    begin(&b, "b");
    assert_int_equal(vmprof_new_hooks("a", 0, &hooks), -EEXIST);
    assert_int_equal(vmprof_new_hooks(NULL, 0, &hooks), -EINVAL);
    vmprof_hooks_info_init(&info);
    assert_int_equal(vmprof_list_hooks(NULL, 0, &info), -ENOENT);
    assert_int_equal(vmprof_set_profile(b.hooks, NULL, profile, &b), 0);
    assert_int_equal(vmprof_set_trace(a.hooks, self, trace, &a, 0), 0);
    assert_int_equal(vmprof_list_hooks(self, 0, &info), 0);
    assert_string_equal(info.name, "a");
    assert_ptr_equal(info.hooks, a.hooks);
    assert_ptr_equal(info.trace, trace);
    assert_ptr_equal(info.trace_user, &a);
    assert_null(info.profile);
    assert_int_equal(vmprof_list_hooks(self, 1, &info), 0);
    assert_ptr_equal(info.profile, profile);
    assert_int_equal(vmprof_list_hooks(self, 2, &info), -ENOENT);
    assert_int_equal(vmprof_list_hooks(NULL, 0, &info), 0);
    assert_string_equal(info.name, "b");
    assert_int_equal(vmprof_list_hooks(NULL, 1, &info), -ENOENT);
    info.size = 8;
    assert_int_equal(vmprof_get_hooks(a.hooks, NULL, &info), -EINVAL);
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
    assert_int_equal(vmprof_free_hooks(b.hooks), 0);
    assert_int_equal(vmprof_free_hooks(NULL), 0);
}

static void
take_away(struct holder *holder)
{
    assert_int_equal(vmprof_free_hooks(holder->hooks), -EBUSY);
    assert_int_equal(vmprof_set_trace(holder->hooks, NULL, NULL, NULL, 0), 0);
}

static void
a_function_can_take_itself_away(void **state)
{
    (void)state;
    struct holder a;

    begin_tracing(&a, "a");
    a.act = take_away;
    run_on(self, "A");
    fire(VMPROF_EVENT_LINE, 'A');
    run_on(self, ")A");
    expect(&a, "cA ");
    assert_false(vmprof_wants_event(self, VMPROF_EVENTS_ALL));
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

/* What a function runs itself is not told to it. */
static void
run_more(struct holder *holder)
{
    (void)holder;
    run_on(self, "Z)Z");
}

static void
what_a_function_calls_is_told_to_others_alone(void **state)
{
    (void)state;
    struct holder a, b;

    begin_tracing(&a, "a");
    begin(&b, "b");
    assert_int_equal(vmprof_set_profile(b.hooks, NULL, profile, &b), 0);
    a.act = run_more;
    run_on(self, "A)A");
    expect(&a, "cA rA ");
    expect(&b, "cZ rZ cA cZ rZ rA ");
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
    assert_int_equal(vmprof_free_hooks(b.hooks), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_frame_that_is_traced_is_told_of_until_it_ends),
        TEST(a_frame_that_is_not_wanted_is_not_told_of),
        TEST(what_ran_before_the_function_was_set_is_not_traced),
        TEST(an_exception_is_told_of_once_in_each_frame),
        TEST(a_generator_is_called_each_time_that_it_goes_on),
        TEST(bytecodes_are_told_of_where_they_are_asked_for),
        TEST(a_profile_function_is_told_of_calls_of_c_too),
        TEST(holders_do_not_replace_each_other),
        TEST(a_function_that_fails_is_told_no_more_and_others_are),
        TEST(everyone_can_see_who_is_there),
        TEST(a_function_can_take_itself_away),
        TEST(what_a_function_calls_is_told_to_others_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
