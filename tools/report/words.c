/* SPDX-License-Identifier: MIT */

/* How a report says numbers, times and names. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "view.h"

double
percent_of(uint64_t part_ns, uint64_t whole_ns)
{
    return whole_ns ? 100.0 * (double)part_ns / (double)whole_ns : 0;
}

double
achieved_hz(const struct tree *tree)
{
    return tree->sum_ns ? (double)tree->samples * 1e9 / (double)tree->sum_ns
                        : 0;
}

const char *
clock_name(uint32_t clock)
{
    static const char *const names[] = {
        "unknown clock",    "perf task clock",  "CLOCK_MONOTONIC timers",
        "observing thread", "CPU clock timers",
    };

    return names[clock < sizeof(names) / sizeof(*names) ? clock : 0];
}

const char *
mode_name(const struct profile *profile)
{
    const uint32_t first =
        profile->session_count ? profile->sessions[0].mode : 0;

    for (uint32_t i = 1; i < profile->session_count; i++)
        if (profile->sessions[i].mode != first)
            return "CPU and wall";
    return first == 0 ? "CPU" : first == 1 ? "wall" : "unknown";
}

const char *
phase_name(unsigned phase)
{
    static const char *const names[PHASE_COUNT] = {
        "interpreting", "tracing",   "optimising", "backend",
        "compiled",     "blackhole", "gc",         "native",
    };

    return names[phase < PHASE_COUNT ? phase : 0];
}

int
find_phase(const char *name)
{
    for (unsigned i = 0; i < PHASE_COUNT; i++)
        if (strcmp(phase_name(i), name) == 0)
            return (int)i;
    return -1;
}

static char *__attribute__((format(printf, 1, 2)))
format_clean(const char *format, ...)
{
    char *text = NULL, *clean;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (size < 0)
        return NULL;
    clean = clean_text(text);
    free(text);
    return clean;
}

/* " [libc.so.6]" behind a native function; what has no name begins with it. */
static const char *
module_suffix(const struct code *code, char *buffer, size_t size)
{
    const char *slash = strrchr(code->module, '/');
    const char *base = slash ? slash + 1 : code->module;
    const size_t length = strlen(base);

    if (!length || (strncmp(code->function, base, length) == 0 &&
                    strncmp(code->function + length, "+0x", 3) == 0))
        return "";
    snprintf(buffer, size, " [%s]", base);
    return buffer;
}

static char *
code_title(const struct code *code, const char *file, uint32_t line)
{
    const char *name = *code->function ? code->function : "[unnamed]";
    char buffer[256];
    const char *module = module_suffix(code, buffer, sizeof(buffer));

    if (!*file)
        return format_clean("%s%s", name, module);
    if (!line)
        return format_clean("%s (%s)%s", name, file, module);
    return format_clean("%s (%s:%" PRIu32 ")%s", name, file, line, module);
}

char *
code_name(const struct code *code)
{
    return code_title(code, code->file, code->line);
}

char *
code_title_at(const struct code *code, uint32_t line)
{
    return code_title(code, code->file, line ? line : code->line);
}

static char *
label_title(const struct view *view, const struct labels *labels,
            uint32_t label, bool own_line)
{
    const char *extra = labels_extra_name(labels, label);
    const struct frame *frame;
    const struct code *code;

    if (extra)
        return strdup(extra);
    frame = &view->profile.frames[labels->frame[label]];
    code = &view->profile.codes[frame->code];
    if (own_line)
        return code_title(code, frame->file ? frame->file : code->file,
                          frame->line);
    return code_title(code, code->file, code->line);
}

char *
function_title(const struct view *view, const struct labels *labels,
               uint32_t label)
{
    return label_title(view, labels, label, false);
}

char *
line_title(const struct view *view, const struct labels *labels, uint32_t label)
{
    return label_title(view, labels, label, true);
}

char *
thread_title(const struct profile *profile, uint32_t index)
{
    const struct thread *thread = &profile->threads[index];

    return format_clean("%s (thread %" PRIu64 ")",
                        *thread->name ? thread->name : "[unnamed]", thread->id);
}

void
format_date(char *buffer, size_t size, uint64_t unix_ns)
{
    const time_t seconds = (time_t)(unix_ns / 1000000000);
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) ||
        !strftime(buffer, size, "%Y-%m-%d %H:%M:%S UTC", &parts))
        snprintf(buffer, size, "unknown");
}

void
format_time(char buffer[32], uint64_t ns)
{
    static const struct {
        double factor;
        const char *name;
    } units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
    unsigned i = 0;
    double value;

    if (ns == 0) {
        strcpy(buffer, "0");
        return;
    }
    while (i < 3 && (double)ns < units[i].factor)
        i++;
    value = (double)ns / units[i].factor;
    snprintf(buffer, 32, "%.*f %s",
             value < 10    ? 2
             : value < 100 ? 1
                           : 0,
             value, units[i].name);
}

void
format_count(char buffer[32], uint64_t count)
{
    char digits[24];
    const int size = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *to = buffer;

    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
}
