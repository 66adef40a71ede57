/* SPDX-License-Identifier: MIT */

/* A fork while another thread starts the recorder: the child has it or has it not,
 * and no half of it. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmprof/event_recorder.h>
#include <vmprof/vmprof.h>

enum {
    KEPT_ITS_TOOL = 1,
    CANNOT_START,
    CANNOT_STOP,
};

static const uint64_t CALLS = VMPROF_EVENT_BIT(VMPROF_EVENT_CALL);
static int status = -1;
static unsigned told;

static int
start(void)
{
    struct vmprof_event_recorder_options options;

    vmprof_event_recorder_options_init(&options);
    options.events = CALLS;
    return vmprof_start_event_recorder(&options);
}

static int
use_in_child(void)
{
    vmprof_stop_event_recorder();
    if (vmprof_get_tool("vmprof-recorder", NULL) != -ENOENT)
        return KEPT_ITS_TOOL;
    if (start() != 0)
        return CANNOT_START;
    return vmprof_stop_event_recorder() == 0 ? 0 : CANNOT_STOP;
}

static void *
fork_now(void *argument)
{
    const pid_t child = fork();

    if (child == 0)
        _exit(use_in_child());
    if (child > 0)
        waitpid(child, &status, 0);
    return argument;
}

/* The VM is told of what is wanted while the recorder starts. */
static void
fork_once(void *user, uint64_t epoch)
{
    pthread_t thread;

    (void)user;
    (void)epoch;
    if (told++)
        return;
    assert_int_equal(pthread_create(&thread, NULL, fork_now, NULL), 0);
    pthread_join(thread, NULL);
}

static void
a_fork_while_it_starts_leaves_the_child_no_tool_that_stays(void **state)
{
    (void)state;
    vmprof_on_mask_change(fork_once, NULL);
    assert_int_equal(start(), 0);
    assert_int_equal(told, 1);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(vmprof_stop_event_recorder(), 0);
    vmprof_on_mask_change(NULL, NULL);
    assert_int_equal(vmprof_get_tool("vmprof-recorder", NULL), -ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_fork_while_it_starts_leaves_the_child_no_tool_that_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
