/* SPDX-License-Identifier: MIT */

/* What a host calls, and walkers. */

#include "operations.h"

#include <unistd.h>

#include "profiled.h"

static void
stop_first(struct world *w)
{
    (void)w;
    require(vmprof_disable() == 0);
    w->file = profile_file();
}

static intptr_t
enable_with(struct world *w)
{
    struct vmprof_options options = profile_options(w->file, 1e-6);

    options.clock = VMPROF_CLOCK_MONOTONIC;
    return vmprof_enable_with(&options);
}

static intptr_t
enable(struct world *w)
{
    return vmprof_enable(w->file, 1e-6);
}

static intptr_t
enable_wall(struct world *w)
{
    struct vmprof_options options = profile_options(w->file, 0.9);

    options.mode = VMPROF_MODE_WALL;
    return vmprof_enable_with(&options);
}

static intptr_t
enable_in_vain(struct world *w)
{
    (void)w;
    return vmprof_enable(-1, 0.5);
}

static intptr_t
disable(struct world *w)
{
    (void)w;
    return vmprof_disable();
}

static void
pause_first(struct world *w)
{
    (void)w;
    require(vmprof_pause() == 1);
}

static intptr_t
pause_sampling(struct world *w)
{
    (void)w;
    return vmprof_pause();
}

static intptr_t
resume_sampling(struct world *w)
{
    (void)w;
    return vmprof_resume();
}

/* Nothing is being written then, so that there is nothing to wait for. */
static void
hold_first(struct world *w)
{
    (void)w;
    require(vmprof_pause_output() == 1);
}

static intptr_t
hold_output(struct world *w)
{
    (void)w;
    return vmprof_pause_output();
}

static intptr_t
disable_with_stats(struct world *w)
{
    struct vmprof_stats stats;
    int r;

    (void)w;
    vmprof_stats_init(&stats);
    r = vmprof_disable_with(&stats);
    return r < 0 ? r : stats.threads == 1 && !stats.enabled;
}

static intptr_t
get_stats(struct world *w)
{
    struct vmprof_stats stats;

    (void)w;
    vmprof_stats_init(&stats);
    return vmprof_get_stats(&stats) == 0 && stats.threads == 1;
}

static void
never_answered(struct vmprof_thread *thread, void *user)
{
    (void)thread;
    (void)user;
}

static intptr_t
set_walker(struct world *w)
{
    return vmprof_request_sample(w->thread, never_answered, NULL);
}

static intptr_t
take_walker_away(struct world *w)
{
    return vmprof_request_sample(w->thread, NULL, NULL);
}

/* Answers whether it was asked or not, so that its result is no matter. */
static intptr_t
answer(struct world *w)
{
    const struct vmprof_walked_frame frames[] = {
        { .code = code(w, 'A'), .offset = place_of_letter('A'), .kind = 1 },
        { .code = code(w, 'B'), .offset = place_of_letter('B'), .kind = 1 },
    };

    return vmprof_sample_stack(w->thread, frames, 2, 0) < 0;
}

static size_t
read_a_and_b(struct vmprof_thread *thread, void *context,
             struct vmprof_linked_frame *frames, size_t room, size_t *cut,
             void *user)
{
    const struct world *const w = user;
    const char *letters = "BA";

    (void)thread;
    (void)context;
    (void)cut;
    if (room < 2)
        return VMPROF_UNREADABLE;
    for (; *letters; letters++, frames++)
        *frames = (struct vmprof_linked_frame){
            .code = code(w, *letters),
            .position = place_of_letter(*letters),
            .has_position = 1,
        };
    return 2;
}

static void
read_first(struct world *w)
{
    require(vmprof_read_frames(w->thread, read_a_and_b, w) == 0);
}

static intptr_t
set_reader(struct world *w)
{
    return vmprof_read_frames(w->thread, read_a_and_b, w);
}

static intptr_t
take_reader_away(struct world *w)
{
    return vmprof_read_frames(w->thread, NULL, NULL);
}

/* The child does nothing and is gone. */
static intptr_t
fork_and_wait(struct world *w)
{
    const pid_t child = fork();
    int status = -1;

    (void)w;
    if (child == 0)
        _exit(0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static const struct operation list[] = {
    { "enable with options", "vmprof_enable_with", enable_with, PATH("AB"),
      NOT_ALWAYS | HAS_HANDLER, stop_first },
    { "enable", "vmprof_enable", enable, PATH("AB"),
      NOT_ALWAYS | HAS_HANDLER | IS_ENDLESS, stop_first },
    { "enable wall mode", "vmprof_enable_with", enable_wall, PATH("AB"),
      NOT_ALWAYS | HAS_HANDLER | IS_ENDLESS, stop_first },
    { "enable in vain", "vmprof_enable", enable_in_vain, PATH("AB"), 0, NULL },
    { "disable", "vmprof_disable", disable, PATH("AB"),
      NOT_ALWAYS | HAS_HANDLER, NULL },
    { "disable and get the stats", "vmprof_disable_with", disable_with_stats,
      PATH("AB"), NOT_ALWAYS | HAS_HANDLER | IS_LONG, NULL },
    { "disable on a timer", "vmprof_disable", disable, PATH("AB"),
      NOT_ALWAYS | HAS_HANDLER | IS_LONG | ON_TIMER, NULL },
    { "disable on perf", "vmprof_disable", disable, PATH("AB"),
      NOT_ALWAYS | HAS_HANDLER | IS_LONG | ON_PERF, NULL },
    { "pause", "vmprof_pause", pause_sampling, PATH("AB"), NOT_ALWAYS, NULL },
    { "resume", "vmprof_resume", resume_sampling, PATH("AB"), NOT_ALWAYS,
      pause_first },
    { "pause the output", "vmprof_pause_output", hold_output, PATH("AB"),
      NOT_ALWAYS, hold_first },
    { "get the stats", "vmprof_get_stats", get_stats, PATH("AB"), 0, NULL },
    { "set a walker", "vmprof_request_sample", set_walker, PATH("AB"), MAY_LOSE,
      NULL },
    { "take a walker away", "vmprof_request_sample", take_walker_away, PATH(""),
      MAY_LOSE | IS_WALKED, NULL },
    { "answer as a walker", "vmprof_sample_stack", answer, PATH("AB"),
      MAY_LOSE | IS_WALKED, NULL },
    { "set a reader", "vmprof_read_frames", set_reader, PATH("AB"), 0, NULL },
    { "take a reader away", "vmprof_read_frames", take_reader_away, PATH("AB"),
      0, read_first },
    { "fork", NULL, fork_and_wait, PATH("AB"), 0, NULL },
};

const struct operations session_operations = { list,
                                               sizeof(list) / sizeof(*list) };
