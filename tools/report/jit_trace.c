/* SPDX-License-Identifier: MIT */

/* One trace: its operations, where in the program they are, its ways out. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jit_view.h"

/* The time at each is known if samples have offsets. */
static unsigned
heat_width(const struct jit_view *jit)
{
    return jit->reading && jit->reading->heat.count ? 10 : 0;
}

static void
print_heat(const struct jit_view *jit, const struct trace_operation *operation)
{
    struct cell here, whole;

    if (!heat_width(jit))
        return;
    here =
        trace_heat_between(&jit->reading->heat, jit->trace, operation->offset,
                           (uint64_t)operation->offset + operation->size);
    whole = trace_heat_between(&jit->reading->heat, jit->trace, 0, UINT64_MAX);
    if (here.samples)
        fprintf(jit->view.terminal.out, "%8.2f%% ",
                percent_of(here.self_ns, whole.self_ns));
    else
        fprintf(jit->view.terminal.out, "%10s", "");
}

static int
print_place(const struct jit_view *jit, uint32_t index)
{
    const struct trace_place *place = &jit->traces.places[index];
    char *text = NULL, *clean;

    if (asprintf(&text, "%s (%s:%" PRIu32 ")%s%s", place->function, place->file,
                 place->line, *place->opcode ? " " : "", place->opcode) < 0)
        return -ENOMEM;
    clean = clean_text(text);
    free(text);
    if (!clean)
        return -ENOMEM;
    terminal_print(&jit->view.terminal, STYLE_HEADING, "%*s",
                   (int)heat_width(jit) + 16, "");
    terminal_print_last(&jit->view.terminal, heat_width(jit) + 16, clean, "");
    free(clean);
    return 0;
}

/* Whether two are one to who reads their lines. */
static bool
look_alike(const struct traces *traces, uint32_t a, uint32_t b)
{
    const struct trace_place *const x = &traces->places[a],
                                    *const y = &traces->places[b];

    return x->line == y->line && x->outer == y->outer &&
           strcmp(x->function, y->function) == 0 &&
           strcmp(x->file, y->file) == 0 && strcmp(x->opcode, y->opcode) == 0;
}

/* Where an operation can lead: a bridge, a label's trace, a called one. */
static uint32_t
leads_to(const struct traces *traces, const struct trace_operation *operation)
{
    switch (operation->kind) {
    case OPERATION_GUARD:
        return traces->guards[operation->target].bridge;
    case OPERATION_JUMP:
        return traces->labels[operation->target].trace;
    case OPERATION_CALL:
        return operation->target;
    }
    return 0;
}

static int
print_operation(const struct jit_view *jit,
                const struct trace_operation *operation)
{
    const uint32_t to = leads_to(&jit->traces, operation);
    FILE *out = jit->view.terminal.out;
    char *text = clean_text(operation->text);
    char after[32] = "";

    if (!text)
        return -ENOMEM;
    print_heat(jit, operation);
    if (operation->has_offset)
        fprintf(out, "%7" PRIu32 " %6" PRIu32 "  ", operation->offset,
                operation->size);
    else
        fprintf(out, "%16s", "");
    if (to)
        snprintf(after, sizeof(after), "  -> #%" PRIu32, to);
    terminal_print_last(&jit->view.terminal, heat_width(jit) + 16, text, after);
    free(text);
    return 0;
}

static void
print_code(const struct jit_view *jit, const struct trace *trace)
{
    char size[32];

    if (!trace->code_size)
        return;
    format_count(size, trace->code_size);
    print_title(&jit->view, "Code");
    fprintf(jit->view.terminal.out, "%s bytes at 0x%" PRIx64 "\n", size,
            trace->code_start);
}

static int
print_head(const struct jit_view *jit)
{
    const struct trace *trace = &jit->traces.traces[jit->trace];
    char *title = trace_title(&jit->traces, jit->trace);
    char *name = clean_text(trace->name);

    if (title && name) {
        putc('\n', jit->view.terminal.out);
        print_title(&jit->view, "Trace");
        fprintf(jit->view.terminal.out, "#%" PRIu32 " %s, %s", jit->trace,
                title, trace_kind_name(trace->kind));
        if (trace->parent)
            fprintf(jit->view.terminal.out, " from #%" PRIu32, trace->parent);
        putc('\n', jit->view.terminal.out);
        print_title(&jit->view, "Name");
        terminal_print_last(&jit->view.terminal, 10, name, "");
        print_code(jit, trace);
    }
    free(title);
    free(name);
    return title && name ? 0 : -ENOMEM;
}

int
report_jit_trace(const struct jit_view *jit)
{
    const struct trace *trace = &jit->traces.traces[jit->trace];
    uint32_t place = 0;
    int result = print_head(jit);

    if (!result && trace->operation_count)
        terminal_print(&jit->view.terminal, STYLE_HEADING,
                       "\n%s%7s %6s  Operation\n",
                       heat_width(jit) ? " Sampled  " : "", "Offset", "Bytes");
    for (uint32_t i = 0; i < trace->operation_count && !result; i++) {
        const struct trace_operation *operation =
            &jit->traces.operations[trace->first_operation + i];

        if (operation->place != place &&
            (!place || !look_alike(&jit->traces, operation->place, place)))
            result = print_place(jit, operation->place);
        place = operation->place;
        if (!result)
            result = print_operation(jit, operation);
    }
    return result;
}
