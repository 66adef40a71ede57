/* SPDX-License-Identifier: MIT */

/* Layers that count events and note lines, and what of all layers comes into
 * the profile. */

#include "layered.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    FORKS = 50,
};

static struct vmprof_layer_options
in_profile(void)
{
    struct vmprof_layer_options options;

    vmprof_layer_options_init(&options);
    options.in_profile = 1;
    return options;
}

static void
a_layer_that_is_asked_for_wrongly_is_refused(void **state)
{
    struct vmprof_layer_options options = in_profile();
    struct vmprof_layer *layer = NULL, *other = NULL;
    struct vmprof_layer_info info;

    (void)state;
    options.size = 8;
    assert_int_equal(vmprof_new_coverage(&options, &layer), -EINVAL);
    options = in_profile();
    options.events = VMPROF_EVENT_BIT(VMPROF_EVENT_CALL);
    assert_int_equal(vmprof_new_coverage(&options, &layer), -EINVAL);
    options.events = VMPROF_EVENT_BIT(VMPROF_EVENT_LINE);
    assert_int_equal(vmprof_new_call_graph(&options, &layer), -EINVAL);
    options.events = (uint64_t)1 << 6;
    assert_int_equal(vmprof_new_event_counts(&options, &layer), -EINVAL);
    options = in_profile();
    options.most = (1 << 24) + 1;
    assert_int_equal(vmprof_new_event_counts(&options, &layer), -EINVAL);
    assert_null(layer);
    vmprof_free_layer(NULL);
    options = in_profile();
    assert_int_equal(vmprof_new_coverage(&options, &layer), 0);
    options.name = "another";
    assert_int_equal(vmprof_new_coverage(&options, &other), -EBUSY);
    options.in_profile = 0;
    options.name = NULL;
    assert_int_equal(vmprof_new_coverage(&options, &other), -EEXIST);
    assert_null(other);
    assert_int_equal(vmprof_each_call(layer, NULL, NULL), -EINVAL);
    assert_int_equal(vmprof_each_event_count(layer, NULL, NULL), -EINVAL);
    assert_int_equal(vmprof_each_covered_line(NULL, NULL, NULL), -EINVAL);
    assert_int_equal(vmprof_add_lines(layer, 0, NULL, 0), -EINVAL);
    info.size = 8;
    assert_int_equal(vmprof_get_layer_info(layer, &info), -EINVAL);
    vmprof_free_layer(layer);
    assert_false(vmprof_wants_event(self, VMPROF_EVENTS_ALL));
}

static int
write_count(void *user, const struct vmprof_event_count *count)
{
    char *const text = user;
    const size_t used = strlen(text);

    snprintf(text + used, TEXT_SIZE - used, "%c%u:%u ", letter_of(count->code),
             count->kind, (unsigned)count->count);
    return 0;
}

static void
expect_counts(struct vmprof_layer *layer, const char *counts)
{
    char text[TEXT_SIZE] = "";

    assert_int_equal(vmprof_each_event_count(layer, write_count, text), 0);
    assert_string_equal(text, counts);
}

static void
events_are_counted_by_code_and_kind(void **state)
{
    (void)state;
    struct vmprof_layer *layer;

    assert_int_equal(vmprof_new_event_counts(NULL, &layer), 0);
    run_on(self, "AB)BB!B)A");
    fire_on(self, VMPROF_EVENT_INSTRUCTION, 'A');
    fire_on(self, VMPROF_EVENT_VM + 15, 'C');
    expect_counts(layer, "A0:1 A2:1 B0:2 B2:1 B5:1 C63:1 ");
    vmprof_free_layer(layer);
}

static void
counts_without_room_are_counted_by_kind(void **state)
{
    (void)state;
    struct vmprof_layer_options options;
    struct vmprof_layer *layer;

    vmprof_layer_options_init(&options);
    options.most = 3; /* of which two are of all codes */
    options.events = VMPROF_EVENT_BIT(VMPROF_EVENT_CALL) |
                     VMPROF_EVENT_BIT(VMPROF_EVENT_RETURN);
    assert_int_equal(vmprof_new_event_counts(&options, &layer), 0);
    run_on(self, "AB)B)AA");
    expect_counts(layer, "-0:1 -2:2 A0:2 ");
    assert_int_equal(info_of(layer).lost, 3);
    vmprof_free_layer(layer);
}

/* Not even by kind. */
static void
what_has_no_room_at_all_is_lost_once(void **state)
{
    (void)state;
    struct vmprof_layer_options options;
    struct vmprof_layer *layer;

    vmprof_layer_options_init(&options);
    options.most = 1;
    options.events = VMPROF_EVENT_BIT(VMPROF_EVENT_CALL) |
                     VMPROF_EVENT_BIT(VMPROF_EVENT_RETURN);
    assert_int_equal(vmprof_new_event_counts(&options, &layer), 0);
    run_on(self, "AB)B");
    expect_counts(layer, "-0:2 ");
    assert_int_equal(info_of(layer).lost, 3);
    vmprof_free_layer(layer);
}

static void
line(char letter, uint64_t offset, uint32_t number)
{
    const struct vmprof_event event = {
        .kind = VMPROF_EVENT_LINE,
        .code = code_of(letter),
        .offset = offset,
        .line = number,
    };

    fire_event(self, &event);
}

static int
write_line(void *user, const struct vmprof_covered_line *found)
{
    char *const text = user;
    const size_t used = strlen(text);

    snprintf(text + used, TEXT_SIZE - used, "%c%u%s ", letter_of(found->code),
             found->line, found->has_run ? "" : "!");
    return 0;
}

static void
expect_lines(struct vmprof_layer *layer, const char *lines)
{
    char text[TEXT_SIZE] = "";

    assert_int_equal(vmprof_each_covered_line(layer, write_line, text), 0);
    assert_string_equal(text, lines);
}

static unsigned calls;

static int
count_calls(void *user, struct vmprof_thread *thread,
            const struct vmprof_event *event)
{
    (void)user;
    (void)thread;
    (void)event;
    calls++;
    return VMPROF_EVENT_KEEP;
}

static void
lines_that_run_are_noted_beside_those_that_do_not(void **state)
{
    (void)state;
    const uint32_t lines[] = { 12, 10, 0, 11, 12 };
    struct vmprof_layer *layer;

    assert_int_equal(vmprof_new_coverage(NULL, &layer), 0);
    assert_int_equal(vmprof_add_lines(layer, code_of('A'), lines, 5), 0);
    line('A', 1, 10);
    line('A', 2, 12);
    line('A', 3, 12);
    line('B', 1, 20);
    line('B', 2, 0);
    assert_int_equal(vmprof_add_lines(layer, code_of('A'), lines, 5), 0);
    expect_lines(layer, "A10 A11! A12 B20 ");
    assert_int_equal(vmprof_add_lines(NULL, code_of('A'), NULL, 0), 0);
    vmprof_free_layer(layer);
    assert_int_equal(vmprof_add_lines(NULL, code_of('A'), lines, 5), -ENOENT);
    assert_int_equal(vmprof_add_lines(NULL, code_of('A'), NULL, 0), -ENOENT);
}

/* A VM that does not know who else looks. */
static void
lines_may_be_told_to_every_layer(void **state)
{
    (void)state;
    const uint32_t number = 7;
    struct vmprof_layer_options options;
    struct vmprof_layer *layers[2], *counts;

    vmprof_layer_options_init(&options);
    options.name = "another";
    assert_int_equal(vmprof_new_event_counts(NULL, &counts), 0);
    assert_int_equal(vmprof_new_coverage(NULL, &layers[0]), 0);
    assert_int_equal(vmprof_new_coverage(&options, &layers[1]), 0);
    assert_int_equal(vmprof_add_lines(NULL, code_of('A'), &number, 1), 0);
    for (unsigned i = 0; i < 2; i++) {
        expect_lines(layers[i], "A7! ");
        vmprof_free_layer(layers[i]);
    }
    expect_counts(counts, "");
    vmprof_free_layer(counts);
}

/* And nobody else misses what the layer has disabled. */
static void
a_line_costs_its_first_run_alone(void **state)
{
    (void)state;
    struct vmprof_tool_callbacks callbacks;
    struct vmprof_layer *layer;
    vmprof_tool other;
    const struct vmprof_event event = {
        .kind = VMPROF_EVENT_LINE,
        .code = code_of('A'),
        .offset = 7,
        .line = 3,
    };

    calls = 0;
    assert_int_equal(vmprof_new_coverage(NULL, &layer), 0);
    assert_int_equal(vmprof_fire_event(self, &event), 1);
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.event = count_calls;
    assert_int_equal(vmprof_register_tool("other", &callbacks, &other), 0);
    assert_int_equal(
        vmprof_set_events(other, VMPROF_EVENT_BIT(VMPROF_EVENT_LINE)), 0);
    assert_int_equal(vmprof_fire_event(self, &event), 0);
    assert_int_equal(calls, 1);
    vmprof_unregister_tool(other);
    assert_int_equal(vmprof_fire_event(self, &event), 1);
    expect_lines(layer, "A3 ");
    vmprof_free_layer(layer);
}

static void
lines_without_room_are_counted(void **state)
{
    (void)state;
    struct vmprof_layer_options options;
    struct vmprof_layer *layer;
    const uint32_t more = 9;

    vmprof_layer_options_init(&options);
    options.most = 2;
    assert_int_equal(vmprof_new_coverage(&options, &layer), 0);
    for (uint32_t i = 1; i <= 5; i++)
        line('A', i, i);
    assert_int_equal(vmprof_add_lines(layer, code_of('A'), &more, 1), -ENOSPC);
    expect_lines(layer, "A1 A2 ");
    assert_int_equal(info_of(layer).lost, 4);
    vmprof_free_layer(layer);
}

static int
refuse(void *user, const struct vmprof_event_count *count)
{
    (void)count;
    ++*(int *)user;
    return -ECANCELED;
}

static void
reading_ends_when_it_is_told_to(void **state)
{
    (void)state;
    struct vmprof_layer *layer;
    int seen = 0;

    assert_int_equal(vmprof_new_event_counts(NULL, &layer), 0);
    run_on(self, "AB)B)A");
    assert_int_equal(vmprof_each_event_count(layer, refuse, &seen), -ECANCELED);
    assert_int_equal(seen, 1);
    vmprof_free_layer(layer);
}

struct layers {
    struct vmprof_layer *counts, *lines, *calls;
};

static struct layers
start_all(void)
{
    const struct vmprof_layer_options options = in_profile();
    struct layers layers;

    assert_int_equal(vmprof_new_event_counts(&options, &layers.counts), 0);
    assert_int_equal(vmprof_new_coverage(&options, &layers.lines), 0);
    assert_int_equal(vmprof_new_call_graph(&options, &layers.calls), 0);
    return layers;
}

static void
free_all(const struct layers *layers)
{
    vmprof_free_layer(layers->counts);
    vmprof_free_layer(layers->lines);
    vmprof_free_layer(layers->calls);
}

static int
begin_session(void)
{
    const int file = profile_file();
    const struct vmprof_options options = profile_options(file, 0.01);

    assert_int_equal(vmprof_enable_with(&options), 0);
    return file;
}

static void
end_session(int file, struct decoded *d)
{
    assert_int_equal(vmprof_disable(), 0);
    if (decode_fd(d, file) < 0)
        fail_msg("%s", d->error);
    close(file);
}

static uint64_t
written(const struct decoded *d, uint64_t type, vmprof_code_id a, uint64_t b,
        unsigned value)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < d->gathered_count; i++)
        if (d->gathered[i].type == type && d->gathered[i].a == a &&
            d->gathered[i].b == b)
            sum += d->gathered[i].values[value];
    return sum;
}

static void
what_layers_gather_is_in_the_profile(void **state)
{
    (void)state;
    const struct layers layers = start_all();
    const uint32_t more = 31;
    struct decoded d;
    int file;

    /* Before the session, too. */
    run_on(self, "AB)B)A");
    line('A', 1, 30);
    file = begin_session();
    run_on(self, "AB)BB)B");
    assert_int_equal(vmprof_add_lines(layers.lines, code_of('A'), &more, 1), 0);
    end_session(file, &d);
    assert_int_equal(written(&d, 17, code_of('B'), VMPROF_EVENT_CALL, 0), 3);
    assert_int_equal(written(&d, 17, code_of('A'), VMPROF_EVENT_LINE, 0), 1);
    assert_int_equal(written(&d, 18, code_of('A'), 30, 0), 1);
    assert_int_equal(written(&d, 18, code_of('A'), 31, 0), 0);
    assert_int_equal(written(&d, 19, code_of('A'), code_of('B'), 0), 3);
    assert_int_equal(written(&d, 19, 0, code_of('A'), 0), 2);
    /* A runs still, and its time is there. */
    assert_true(written(&d, 19, VMPROF_ANY_CALLER, code_of('A'), 3) >=
                written(&d, 19, VMPROF_ANY_CALLER, code_of('B'), 3));
    assert_string_equal(decoded_name(&d, code_of('A')), "t:A:1:f.t");
    decoded_free(&d);
    free_all(&layers);
}

static void
two_sessions_add_up_and_each_has_all_lines(void **state)
{
    (void)state;
    const struct layers layers = start_all();
    struct decoded first, second;
    int file = begin_session();

    run_on(self, "AB)B)A");
    line('A', 1, 30);
    end_session(file, &first);
    file = begin_session();
    run_on(self, "AB)BB)B)A");
    end_session(file, &second);
    assert_int_equal(written(&first, 19, code_of('A'), code_of('B'), 0), 1);
    assert_int_equal(written(&second, 19, code_of('A'), code_of('B'), 0), 2);
    assert_int_equal(written(&second, 18, code_of('A'), 30, 0), 1);
    decoded_free(&first);
    decoded_free(&second);
    free_all(&layers);
}

static void
a_layer_that_goes_during_a_session_is_written_nevertheless(void **state)
{
    (void)state;
    const int file = begin_session();
    struct layers layers = start_all();
    struct decoded d;

    run_on(self, "AB)B)A");
    free_all(&layers);
    layers = start_all();
    run_on(self, "AB)B)A");
    free_all(&layers);
    end_session(file, &d);
    assert_int_equal(written(&d, 19, code_of('A'), code_of('B'), 0), 2);
    assert_int_equal(written(&d, 17, code_of('B'), VMPROF_EVENT_CALL, 0), 2);
    decoded_free(&d);
}

static void
many_rows_take_several_chunks_and_losses_are_there_once(void **state)
{
    enum {
        LINES = 40000,
    };
    (void)state;
    const int file = begin_session();
    struct vmprof_layer_options options = in_profile();
    struct vmprof_layer *layer;
    struct decoded d;

    options.most = LINES;
    assert_int_equal(vmprof_new_coverage(&options, &layer), 0);
    for (uint32_t i = 1; i <= LINES + 3; i++)
        line('A', i, i * 1000);
    vmprof_free_layer(layer);
    end_session(file, &d);
    assert_int_equal(d.gathered_count, LINES);
    assert_true(d.payloads[18] > 1);
    assert_int_equal(d.losses[18][0], 3);
    decoded_free(&d);
}

/* The child of a fork has the layers, and its file what came afterwards. */
static void
fork_and_count(void)
{
    const struct layers layers = start_all();
    struct decoded d;
    int file, status;
    pid_t child;

    run_on(self, "AB)B)A");
    line('A', 1, 30);
    child = fork();
    if (!child) {
        file = begin_session();
        run_on(self, "AB)B)A");
        end_session(file, &d);
        require(written(&d, 19, code_of('A'), code_of('B'), 0) == 1);
        require(written(&d, 17, code_of('B'), VMPROF_EVENT_CALL, 0) == 1);
        require(written(&d, 18, code_of('A'), 30, 0) == 1);
        free_all(&layers);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free_all(&layers);
}

static atomic_bool is_ready, is_over;

static void *
wait_inside(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    run_on(thread, "AB");
    atomic_store(&is_ready, true);
    while (!atomic_load(&is_over))
        run_on(thread, "C)C");
    vmprof_detach_thread(thread);
    return NULL;
}

static void
the_child_of_a_fork_writes_what_comes_after_it(void **state)
{
    (void)state;
    fork_and_count();
}

static void
the_child_of_a_fork_leaves_other_threads_alone(void **state)
{
    (void)state;
    pthread_t thread;

    atomic_store(&is_ready, false);
    atomic_store(&is_over, false);
    assert_int_equal(pthread_create(&thread, NULL, wait_inside, NULL), 0);
    while (!atomic_load(&is_ready))
        sched_yield();
    fork_and_count();
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
}

static void *
come_and_go(void *user)
{
    const struct vmprof_layer_options options = in_profile();
    struct vmprof_layer *layer;

    (void)user;
    while (!atomic_load(&is_over)) {
        require(vmprof_new_coverage(&options, &layer) == 0);
        vmprof_free_layer(layer);
    }
    return NULL;
}

/* A layer that is no tool can be freed by nobody, and none could follow it. */
static void
require_both_or_none(void)
{
    struct vmprof_layer_options options = in_profile();
    const int is_there = vmprof_get_tool("vmprof coverage", NULL);
    struct vmprof_layer *layer;

    options.name = "the child's";
    require(vmprof_new_coverage(&options, &layer) ==
            (is_there == 0 ? -EBUSY : 0));
    _exit(0);
}

static void
the_child_of_a_fork_has_a_layer_as_a_tool_or_not_at_all(void **state)
{
    (void)state;
    pthread_t thread;
    int status;

    skip_where_malloc_dies_in_fork();
    atomic_store(&is_over, false);
    assert_int_equal(pthread_create(&thread, NULL, come_and_go, NULL), 0);
    for (unsigned i = 0; i < rounds(FORKS); i++) {
        const pid_t child = fork();

        if (!child)
            require_both_or_none();
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_layer_that_is_asked_for_wrongly_is_refused),
        TEST(events_are_counted_by_code_and_kind),
        TEST(counts_without_room_are_counted_by_kind),
        TEST(what_has_no_room_at_all_is_lost_once),
        TEST(lines_that_run_are_noted_beside_those_that_do_not),
        TEST(lines_may_be_told_to_every_layer),
        TEST(a_line_costs_its_first_run_alone),
        TEST(lines_without_room_are_counted),
        TEST(reading_ends_when_it_is_told_to),
        TEST(what_layers_gather_is_in_the_profile),
        TEST(two_sessions_add_up_and_each_has_all_lines),
        TEST(a_layer_that_goes_during_a_session_is_written_nevertheless),
        TEST(many_rows_take_several_chunks_and_losses_are_there_once),
        TEST(the_child_of_a_fork_writes_what_comes_after_it),
        TEST(the_child_of_a_fork_leaves_other_threads_alone),
        TEST(the_child_of_a_fork_has_a_layer_as_a_tool_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
