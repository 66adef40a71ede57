/* SPDX-License-Identifier: MIT */

/* The head of a report of traces: what is known, and how far to trust it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jit_view.h"

enum {
    KINDS = TRACE_STUB + 1,
};

static void
print_number(FILE *out, uint64_t number, const char *one, const char *many)
{
    char text[32];

    format_count(text, number);
    fprintf(out, ", %s %s", text, number == 1 ? one : many);
}

static void
print_kinds(const struct jit_view *jit)
{
    static const char *const many[KINDS] = {
        "traces that are not described",
        "loops",
        "entry bridges",
        "bridges",
        "methods",
        "stubs",
    };
    static const char *const one[KINDS] = {
        "trace that is not described",
        "loop",
        "entry bridge",
        "bridge",
        "method",
        "stub",
    };
    const struct traces *traces = &jit->traces;
    uint64_t kinds[KINDS] = { 0 }, aborted = 0;
    FILE *out = jit->view.terminal.out;

    for (uint32_t i = 1; i < traces->trace_count; i++) {
        if (traces->traces[i].aborted)
            aborted++;
        else
            kinds[traces->traces[i].kind % KINDS]++;
    }
    for (unsigned i = 1; i <= KINDS; i++)
        if (kinds[i % KINDS])
            print_number(out, kinds[i % KINDS], one[i % KINDS],
                         many[i % KINDS]);
    if (aborted)
        print_number(out, aborted, "aborted", "aborted");
    if (traces->guard_count > 1)
        print_number(out, traces->guard_count - 1, "guard", "guards");
    if (traces->operation_count > 1)
        print_number(out, traces->operation_count - 1, "operation",
                     "operations");
}

static int
print_log(const struct jit_view *jit)
{
    char *path = clean_text(jit->path);
    char *machine = clean_text(jit->traces.machine);

    if (path && machine) {
        print_title(&jit->view, "JIT");
        fprintf(jit->view.terminal.out, "%s: %s%s%s", path, jit->traces.format,
                *machine ? ", " : "", machine);
        print_kinds(jit);
        putc('\n', jit->view.terminal.out);
    }
    free(path);
    free(machine);
    return path && machine ? 0 : -1;
}

static void
print_events(const struct jit_view *jit)
{
    const struct trace_times *times = &jit->times;
    FILE *out = jit->view.terminal.out;
    char time[32], events[32];

    if (!times->has_events)
        return;
    format_count(time, times->event_time);
    format_count(events, times->segments->events);
    print_title(&jit->view, "Events");
    fprintf(
        out, "%s in %s %s: %.1f%% in traces, %.1f%% in the interpreter\n",
        events, time, trace_clock_name(jit->traces.clock),
        percent_of(times->event_time - times->interpreter, times->event_time),
        percent_of(times->interpreter, times->event_time));
    if (times->off_cpu) {
        format_time(time, times->off_cpu);
        print_title(&jit->view, "");
        fprintf(out, "%s off the CPU are left out\n", time);
    }
    if (times->segments->mismatches || times->segments->backwards) {
        print_title(&jit->view, "");
        terminal_print(&jit->view.terminal, STYLE_WARNING,
                       "%" PRIu64
                       " cannot follow what was before them, %" PRIu64
                       " go back in time\n",
                       times->segments->mismatches, times->segments->backwards);
    }
    if (times->unknown || times->segments->losses) {
        format_count(time, times->unknown);
        print_title(&jit->view, "");
        terminal_print(
            &jit->view.terminal, STYLE_WARNING,
            "events were lost %" PRIu64 " times; of %s %s after that "
            "nothing is known\n",
            times->segments->losses, time, trace_clock_name(jit->traces.clock));
    }
}

/* PyPy's own writer puts down a word of the stack where the instruction that
 * was interrupted should be. */
static bool
is_stale(const struct jit_view *jit)
{
    const struct profile *profile = &jit->view.profile;

    return profile->session_count && !strcmp(profile->format, "vmprof log") &&
           !strcmp(profile->sessions[0].vm_name, "pypy") &&
           !*profile->sessions[0].library_version;
}

static void
print_samples(const struct jit_view *jit)
{
    const struct trace_times *times = &jit->times;
    const uint64_t inside = times->sampled_ns - times->interpreter_ns;
    FILE *out = jit->view.terminal.out;
    char time[32], samples[32];

    if (!times->has_samples)
        return;
    format_time(time, times->sampled_ns);
    format_count(samples, times->samples);
    print_title(&jit->view, "Samples");
    fprintf(out, "%s, which are %s: %.1f%% in traces, %.1f%% outside\n",
            samples, time, percent_of(inside, times->sampled_ns),
            percent_of(times->interpreter_ns, times->sampled_ns));
    if (times->unmatched_ns) {
        print_title(&jit->view, "");
        terminal_print(&jit->view.terminal, STYLE_WARNING,
                       "%.1f%% in machine code that no trace of the log has\n",
                       percent_of(times->unmatched_ns, times->sampled_ns));
    }
    if (inside && is_stale(jit)) {
        print_title(&jit->view, "");
        terminal_print(&jit->view.terminal, STYLE_WARNING,
                       "PyPy's writer takes the innermost trace from a place "
                       "that often is out of date:\n%-10sSelf may be another "
                       "trace's; Total holds for traces that call others\n",
                       "");
    }
}

static void
print_damage_part(const struct jit_view *jit, uint64_t count, const char *what)
{
    char text[32];

    if (!count)
        return;
    format_count(text, count);
    print_title(&jit->view, "Damage");
    terminal_print(&jit->view.terminal, STYLE_WARNING, "%s %s", text, what);
    putc('\n', jit->view.terminal.out);
}

static void
print_damage(const struct jit_view *jit)
{
    const struct jit_damage *damage = &jit->traces.damage;

    print_damage_part(jit, damage->bytes_unread, "bytes could not be read");
    print_damage_part(jit, damage->lines_unknown, "lines are not understood");
    print_damage_part(jit, damage->lines_too_long, "lines are too long");
    print_damage_part(jit, damage->unopened, "sections end that did not begin");
    print_damage_part(jit, damage->unclosed,
                      "sections have no end; their time is left out");
    print_damage_part(jit, damage->backwards, "times go back");
    print_damage_part(jit, damage->unmatched,
                      "counts or links are of traces that are not in the file");
    print_damage_part(jit, damage->repeated, "ids were used again");
    print_damage_part(jit, damage->untimed,
                      "events have no time: there are no two marks");
    print_damage_part(jit, damage->limited, "parts were left out: too large");
    if (damage->first_line)
        print_damage_part(jit, damage->first_line,
                          "is the first line of these");
    if (damage->bytes_unread)
        print_damage_part(jit, damage->first_offset,
                          "is the offset of the first of these bytes");
    if (damage->cut) {
        print_title(&jit->view, "Damage");
        terminal_print(&jit->view.terminal, STYLE_WARNING, "the file is cut\n");
    }
}

int
report_jit_header(const struct jit_view *jit)
{
    if (jit->view.profile.session_count)
        report_sessions(&jit->view);
    if (print_log(jit))
        return -1;
    print_events(jit);
    print_samples(jit);
    print_damage(jit);
    if (jit->view.profile.session_count)
        report_damage(&jit->view);
    return 0;
}
