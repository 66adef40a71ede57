/* SPDX-License-Identifier: MIT */

/*
 * Reading and reporting whatever a log of a JIT holds: with an even first byte
 * the rest is a PYPYLOG, with an odd one a jitlog. Bits 1 and 2 choose how its
 * events are understood.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report/jit_view.h"

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
show(struct jit_view *jit, struct trace_events *events)
{
    if (trace_times_open(&jit->times, &jit->traces) || jit_order_guards(jit))
        return;
    trace_times_take_events(&jit->times, events);
    report_jit_header(jit);
    report_jit_table(jit);
    report_jit_transitions(jit);
    report_jit_guards(jit);
    report_jit_sections(jit);
    report_jit_json(jit);
    for (jit->trace = 1; jit->trace < jit->traces.trace_count; jit->trace++)
        report_jit_trace(jit);
}

static void
read_log(const char *path, unsigned char how, FILE *out)
{
    struct trace_events events;
    const struct traces_options options = { .on_event = trace_events_add,
                                            .user = &events };
    struct jit_view jit = { .path = path, .bridges = true };
    char message[512];
    int result;

    trace_events_open(&events, how & 2 ? INNER_EACH : INNER_COUNT,
                      how & 4 ? CALL_NEST : CALL_CALLER, how & 8);
    terminal_open(&jit.view.terminal, out);
    result = how & 1 ? jitlog_read(&jit.traces, path, &options, message,
                                   sizeof(message))
                     : pypylog_read(&jit.traces, path, &options, message,
                                    sizeof(message));
    if (!result)
        show(&jit, &events);
    free(jit.guards);
    trace_times_free(&jit.times);
    traces_free(&jit.traces);
    trace_events_free(&events);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static FILE *out;
    char path[64];
    int fd;

    if (!out)
        out = fopen("/dev/null", "w");
    if (size == 0 || !out)
        return 0;
    fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    if (write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    read_log(path, data[0], out);
    close(fd);
    return 0;
}
