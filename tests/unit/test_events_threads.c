/* SPDX-License-Identifier: MIT */

/*
 * Tools that come, go and change their minds while threads fire: each is told of
 * exactly what it asks for, whatever others answer. A tool's wish has a number
 * that is odd while it changes; whoever finds the same even number before and
 * after an event knows what the tool should have been told. For as many seconds
 * as VMPROF_TEST_SECONDS says.
 */
#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vmprof/vmprof.h>

enum {
    TOOLS = 16,
    FIRING = 4,
    CHANGING = 4,
    KINDS = 3, /* from VMPROF_EVENT_LINE on */
    SITES = 50,
    USUAL_MS = 400,
    FIRST_ERROR = 1000, /* of the first tool, and so on */
};

struct tool {
    pthread_mutex_t mutex; /* one at a time changes it */
    vmprof_tool tool;
    atomic_uint_least64_t number; /* of its wish; odd: it changes */
    atomic_uint_least64_t events; /* the wish */
    atomic_uint_least64_t restarts;
};

/* What a firing thread knows of a site of its own. */
struct site {
    uint64_t restarts; /* of the tool when the next was true */
    bool is_disabled;
    bool is_unsure; /* it was disabled while the tool changed */
};

struct firing {
    pthread_t thread;
    vmprof_code_id code;
    uint64_t random;
    uint64_t fired, sure;
    const char *fault;
    unsigned told[TOOLS];               /* by the event in hand */
    bool disables[TOOLS], fails[TOOLS]; /* what they are to answer */
    struct site sites[TOOLS][KINDS][SITES];
};

static struct tool tools[TOOLS];
static atomic_bool stopping;
static _Thread_local struct firing *own;

static int
note(void *user, struct vmprof_thread *thread, const struct vmprof_event *event)
{
    const size_t i = (size_t)((struct tool *)user - tools);

    (void)thread;
    (void)event;
    own->told[i]++;
    if (own->fails[i])
        return -(int)(FIRST_ERROR + i);
    return own->disables[i] ? VMPROF_EVENT_DISABLE : VMPROF_EVENT_KEEP;
}

static void
come(struct tool *tool)
{
    struct vmprof_tool_callbacks callbacks;
    char name[32];

    snprintf(name, sizeof(name), "tool%zd", tool - tools);
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.user = tool;
    callbacks.event = note;
    if (vmprof_register_tool(name, &callbacks, &tool->tool) != 0)
        abort();
}

static uint64_t
random_events(uint64_t *random)
{
    return (draw(random) >> 20 & ((1 << KINDS) - 1)) << VMPROF_EVENT_LINE;
}

/* Under the tool's mutex, with its number odd. */
static void
change(struct tool *tool, uint64_t *random)
{
    const uint64_t what = draw(random) >> 30 & 7;
    const uint64_t events = random_events(random);

    if (what == 0) {
        vmprof_restart_events(tool->tool);
        atomic_fetch_add(&tool->restarts, 1);
        return;
    }
    if (what == 1) {
        vmprof_unregister_tool(tool->tool);
        come(tool);
        atomic_fetch_add(&tool->restarts, 1);
    }
    vmprof_set_events(tool->tool, events);
    atomic_store(&tool->events, events);
}

static void *
keep_changing(void *user)
{
    uint64_t random = (uintptr_t)user | 1;

    while (!atomic_load(&stopping)) {
        struct tool *const tool = &tools[draw(&random) >> 20 & (TOOLS - 1)];

        pthread_mutex_lock(&tool->mutex);
        atomic_fetch_add(&tool->number, 1);
        change(tool, &random);
        atomic_fetch_add(&tool->number, 1);
        pthread_mutex_unlock(&tool->mutex);
    }
    return NULL;
}

/* Whether a tool was told what it should have been, after an event at a site. */
static void
judge(struct firing *firing, unsigned i, unsigned kind, unsigned at,
      uint64_t before, bool is_dead)
{
    struct site *const site = &firing->sites[i][kind][at];
    const uint64_t restarts = atomic_load(&tools[i].restarts);
    const uint64_t events = atomic_load(&tools[i].events);
    const unsigned told = firing->told[i];
    unsigned expected;

    if (before % 2 || atomic_load(&tools[i].number) != before) {
        site->is_unsure |= told && firing->disables[i];
        return;
    }
    if (site->restarts != restarts) {
        site->restarts = restarts;
        site->is_disabled = false;
    }
    expected = events >> (VMPROF_EVENT_LINE + kind) & 1 && !site->is_disabled;
    if (is_dead && told && !firing->disables[i])
        firing->fault = "a site is dead, of which a tool wants more";
    firing->sure++;
    if (!site->is_unsure && told != expected)
        firing->fault = told ? "told twice, or of what it did not ask for"
                             : "not told of what it asked for";
    if (told && firing->disables[i])
        site->is_disabled = true;
    /* It is known again: it was told, or has disabled it once more. */
    if (told)
        site->is_unsure = false;
}

/* An error is one that a tool returned which was told; and there is one if
 * there were such tools. */
static void
judge_result(struct firing *firing, int result)
{
    bool has_failed = false;

    for (unsigned i = 0; i < TOOLS; i++)
        has_failed |= firing->told[i] && firing->fails[i];
    if (has_failed != (result < 0))
        firing->fault = has_failed ? "an error is lost" : "an error is made up";
    if (result < 0 &&
        (result > -FIRST_ERROR || result <= -FIRST_ERROR - TOOLS ||
         !firing->told[-result - FIRST_ERROR] ||
         !firing->fails[-result - FIRST_ERROR]))
        firing->fault = "an error is nobody's";
}

static void
fire_one(struct firing *firing, struct vmprof_thread *thread)
{
    const unsigned kind = (unsigned)(draw(&firing->random) >> 20) % KINDS;
    const unsigned at = (unsigned)(draw(&firing->random) >> 20) % SITES;
    const struct vmprof_event event = {
        .kind = VMPROF_EVENT_LINE + kind,
        .code = firing->code,
        .offset = at,
    };
    uint64_t before[TOOLS];
    int result = 0;

    for (unsigned i = 0; i < TOOLS; i++) {
        before[i] = atomic_load(&tools[i].number);
        firing->told[i] = 0;
        firing->fails[i] = (draw(&firing->random) >> 20) % 64 == 0;
        firing->disables[i] =
            !firing->fails[i] && (draw(&firing->random) >> 20) % 16 == 0;
    }
    if (vmprof_wants_event(thread, VMPROF_EVENT_BIT(event.kind)))
        result = vmprof_fire_event(thread, &event);
    judge_result(firing, result);
    for (unsigned i = 0; i < TOOLS; i++)
        judge(firing, i, kind, at, before[i], result == 1);
    firing->fired++;
}

static void *
keep_firing(void *user)
{
    struct vmprof_thread *thread;

    own = user;
    own->random = own->code * 0x9e3779b97f4a7c15 | 1;
    if (vmprof_attach_thread(NULL, &thread) != 0)
        abort();
    while (!atomic_load(&stopping) && !own->fault)
        fire_one(own, thread);
    vmprof_detach_thread(thread);
    return NULL;
}

static long
duration_ms(void)
{
    const char *const seconds = getenv("VMPROF_TEST_SECONDS");

    return seconds ? strtol(seconds, NULL, 10) * 1000 : USUAL_MS;
}

static void
each_tool_is_told_of_exactly_what_it_asks_for(void **state)
{
    static struct firing firing[FIRING];
    struct vmprof_code_class *code_class;
    pthread_t changing[CHANGING];
    const long ms = duration_ms();
    const struct timespec while_it_runs = { ms / 1000, ms % 1000 * 1000000 };

    (void)state;
    assert_int_equal(vmprof_register_code_class("chaos", NULL, &code_class), 0);
    for (unsigned i = 0; i < TOOLS; i++) {
        pthread_mutex_init(&tools[i].mutex, NULL);
        come(&tools[i]);
    }
    for (unsigned i = 0; i < FIRING; i++) {
        assert_int_equal(vmprof_register_code(code_class, NULL, "chaos:f:1:x",
                                              &firing[i].code),
                         0);
        pthread_create(&firing[i].thread, NULL, keep_firing, &firing[i]);
    }
    for (uintptr_t i = 0; i < CHANGING; i++)
        pthread_create(&changing[i], NULL, keep_changing,
                       (void *)(i * 2654435761U));
    nanosleep(&while_it_runs, NULL);
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < CHANGING; i++)
        pthread_join(changing[i], NULL);
    for (unsigned i = 0; i < FIRING; i++) {
        pthread_join(firing[i].thread, NULL);
        if (firing[i].fault)
            fail_msg("%s", firing[i].fault);
        assert_true(firing[i].sure > firing[i].fired);
    }
    for (unsigned i = 0; i < TOOLS; i++)
        assert_int_equal(vmprof_unregister_tool(tools[i].tool), 0);
}

static atomic_bool inside, may_return;

static int
stay(void *user, struct vmprof_thread *thread, const struct vmprof_event *event)
{
    (void)user;
    (void)thread;
    (void)event;
    atomic_store(&inside, true);
    while (!atomic_load(&may_return))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    atomic_store(&inside, false);
    return 0;
}

static void *
fire_once(void *user)
{
    const struct vmprof_event event = { .kind = VMPROF_EVENT_CALL };
    struct vmprof_thread *thread;

    (void)user;
    if (vmprof_attach_thread(NULL, &thread) != 0)
        abort();
    vmprof_fire_event(thread, &event);
    vmprof_detach_thread(thread);
    return NULL;
}

static void *
let_it_return(void *user)
{
    (void)user;
    nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL);
    atomic_store(&may_return, true);
    return NULL;
}

static void
a_tool_is_gone_when_its_last_callback_has_returned(void **state)
{
    struct vmprof_tool_callbacks callbacks;
    pthread_t firing, letting;
    vmprof_tool tool;

    (void)state;
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.event = stay;
    assert_int_equal(vmprof_register_tool("stay", &callbacks, &tool), 0);
    assert_int_equal(vmprof_set_events(tool, 1), 0);
    pthread_create(&firing, NULL, fire_once, NULL);
    while (!atomic_load(&inside))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    pthread_create(&letting, NULL, let_it_return, NULL);
    assert_int_equal(vmprof_unregister_tool(tool), 0);
    assert_false(atomic_load(&inside));
    assert_true(atomic_load(&may_return));
    pthread_join(firing, NULL);
    pthread_join(letting, NULL);
}

static atomic_bool attached, may_end;
static unsigned counted;

static int
count(void *user, struct vmprof_thread *thread,
      const struct vmprof_event *event)
{
    (void)user;
    (void)thread;
    (void)event;
    counted++;
    return 0;
}

static void *
be_there(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    if (vmprof_attach_thread(NULL, &thread) != 0)
        abort();
    atomic_store(&attached, true);
    while (!atomic_load(&may_end))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    vmprof_detach_thread(thread);
    return NULL;
}

/* In a child, whose parent had other threads: they come and go, and are told. */
static int
use_events(vmprof_tool tool)
{
    for (unsigned i = 0; i < 8; i++) {
        pthread_t thread;

        if (vmprof_set_events(tool, i % 2) || vmprof_restart_events(tool) ||
            pthread_create(&thread, NULL, fire_once, NULL) ||
            pthread_join(thread, NULL))
            return 1;
    }
    return vmprof_unregister_tool(tool) || counted != 4;
}

static void
a_child_has_tools_and_none_of_the_other_threads(void **state)
{
    struct vmprof_tool_callbacks callbacks;
    pthread_t threads[3];
    vmprof_tool tool;
    pid_t child;
    int status;

    (void)state;
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.event = count;
    assert_int_equal(vmprof_register_tool("count", &callbacks, &tool), 0);
    for (unsigned i = 0; i < 3; i++) {
        atomic_store(&attached, false);
        pthread_create(&threads[i], NULL, be_there, NULL);
        while (!atomic_load(&attached))
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    child = fork();
    if (child == 0) {
        alarm(20);
        _exit(use_events(tool));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    atomic_store(&may_end, true);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(status, 0);
    assert_int_equal(vmprof_unregister_tool(tool), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tool_is_told_of_exactly_what_it_asks_for),
        cmocka_unit_test(a_tool_is_gone_when_its_last_callback_has_returned),
        cmocka_unit_test(a_child_has_tools_and_none_of_the_other_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
