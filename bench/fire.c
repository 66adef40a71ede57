/* SPDX-License-Identifier: MIT */

/*
 * What it takes to tell tools of an event: a call and its return, with as many
 * tools as are shown, against calling as many empty callbacks directly, through
 * a pointer. And what a VM pays that only asks whether anybody wants to know.
 * Rounds are interleaved and short, and medians of what neighbours show are
 * shown.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vmprof/vmprof.h>

#include "rounds.h"
#include "row.h"

enum {
    ROUNDS = 301,
    COUNT = 10000, /* calls, each with its return */
    TOOLS = 16,
    SITES = 1000,
};

static uint64_t told;

static int
note(void *user, struct vmprof_thread *thread, const struct vmprof_event *event)
{
    (void)user, (void)thread, (void)event;
    told++;
    return VMPROF_EVENT_KEEP;
}

static int
disable(void *user, struct vmprof_thread *thread,
        const struct vmprof_event *event)
{
    (void)user, (void)thread, (void)event;
    return VMPROF_EVENT_DISABLE;
}

static vmprof_code_id code;
static unsigned tools; /* that are told */

typedef void
happen(struct vmprof_thread *thread, const struct vmprof_event *event);

static void
tell(struct vmprof_thread *thread, const struct vmprof_event *event)
{
    (void)vmprof_fire_event(thread, event);
}

/* Through a pointer that the compiler cannot see through, as the library does. */
static void
call_directly(struct vmprof_thread *thread, const struct vmprof_event *event)
{
    static const vmprof_event_function volatile callback = note;

    for (unsigned i = 0; i < tools; i++)
        (void)callback(NULL, thread, event);
}

/* Of one event. */
static double
measure(happen *what, struct vmprof_thread *thread)
{
    const double start = cpu_ns();

    for (uint64_t i = 0; i < COUNT; i++) {
        struct vmprof_event event = {
            .kind = VMPROF_EVENT_CALL,
            .line = 3,
            .code = code,
            .callee = code,
            .object = &event,
        };

        what(thread, &event);
        event.kind = VMPROF_EVENT_RETURN;
        event.offset = 7;
        what(thread, &event);
    }
    return (cpu_ns() - start) / COUNT / 2;
}

static void
show(const char *what, struct vmprof_thread *thread, double budget)
{
    static double values[ROUNDS];
    char text[64], spread[64], limit[64] = "";

    for (unsigned i = 0; i < ROUNDS; i++) {
        values[i] = measure(tell, thread);
        values[i] -= measure(call_directly, thread);
    }
    sort(values, ROUNDS);
    snprintf(text, sizeof(text), "%.1f ns", values[ROUNDS / 2]);
    snprintf(spread, sizeof(spread), "%.1f to %.1f", values[ROUNDS / 4],
             values[ROUNDS * 3 / 4]);
    if (budget > 0)
        snprintf(limit, sizeof(limit), "%.0f ns", budget);
    printf("  %-44s %s  (%s; budget %s)\n", what, text, spread,
           budget > 0 ? limit : "none");
    bench_row(what, text, spread, limit, "the callbacks called directly",
              budget > 0 ? values[ROUNDS / 2] <= budget : -1);
}

static vmprof_tool
add_tool(const char *name, vmprof_event_function event, uint64_t events)
{
    struct vmprof_tool_callbacks callbacks;
    vmprof_tool tool;

    vmprof_tool_callbacks_init(&callbacks);
    callbacks.event = event;
    if (vmprof_register_tool(name, &callbacks, &tool) < 0 ||
        vmprof_set_events(tool, events) < 0)
        exit(1);
    return tool;
}

/* Another tool has taken places out. */
static void
disable_sites(struct vmprof_thread *thread)
{
    add_tool("coverage", disable, VMPROF_EVENT_BIT(VMPROF_EVENT_LINE));
    for (uint64_t i = 0; i < SITES; i++)
        (void)vmprof_fire_event(
            thread, &(struct vmprof_event){
                        .kind = VMPROF_EVENT_LINE, .code = code, .offset = i });
}

int
main(void)
{
    const uint64_t events = VMPROF_EVENT_BIT(VMPROF_EVENT_CALL) |
                            VMPROF_EVENT_BIT(VMPROF_EVENT_RETURN);
    struct vmprof_code_class *code_class;
    struct vmprof_thread *thread;
    char name[16];

    if (vmprof_attach_thread(NULL, &thread) < 0 ||
        vmprof_register_code_class("bench", NULL, &code_class) < 0 ||
        vmprof_register_code(code_class, NULL, "bench:f:1:f.c", &code) < 0)
        return 1;
    printf("an event, CPU time, medians of %d rounds\n", ROUNDS);
    add_tool("first", note, events);
    tools = 1;
    show("call or return, beyond an empty callback", thread, 10);
    disable_sites(thread);
    show("the same, and places are disabled", thread, 10);
    while (tools < TOOLS) {
        snprintf(name, sizeof(name), "%u", ++tools);
        add_tool(name, note, events);
    }
    show("the same for 16 tools", thread, 0);
    vmprof_detach_thread(thread);
    return told == 0;
}
