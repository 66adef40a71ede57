/* SPDX-License-Identifier: MIT */

/* The head of every report: what was recorded, and how far to trust it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "events_view.h"
#include "view.h"

enum {
    /* More processes than this are only counted. */
    MOST_SESSIONS = 8,
    TITLE_WIDTH = 10,
};

void
print_title(const struct view *view, const char *title)
{
    terminal_print(&view->terminal, STYLE_HEADING, "%-*s", TITLE_WIDTH, title);
}

static void
print_session(const struct view *view, const struct session *session)
{
    char *program = clean_text(session->program);
    char *vm = clean_text(session->vm_name);
    char *os = clean_text(session->os), *machine = clean_text(session->machine);
    char *library = clean_text(session->library_version);

    if (program && vm && os && machine && library) {
        FILE *out = view->terminal.out;

        print_title(view, "Program");
        fputs(*program ? program : "unknown", out);
        if (session->pid)
            fprintf(out, " (process %" PRIu64 ")", session->pid);
        fprintf(out, ", VM %s, on %s%s%s", *vm ? vm : "unknown",
                *os ? os : "unknown", *machine ? " " : "", machine);
        if (*library)
            fprintf(out, ", libvmprof %s", library);
        putc('\n', out);
    }
    free(program);
    free(vm);
    free(os);
    free(machine);
    free(library);
}

static void
print_time(const struct view *view, const struct session *session)
{
    char date[64], duration[32];

    format_date(date, sizeof(date), session->unix_ns);
    format_time(duration, session->end_ns);
    print_title(view, "Recorded");
    fprintf(view->terminal.out, "%s, for %s%s\n", date, duration,
            session->ended
                ? ""
                : "; without an end: killed, cut off, or still running");
}

/* Of the whole process, not of its VM alone. */
static void
print_memory(const struct view *view, const struct session *session)
{
    if (!session->has_memory)
        return;
    print_title(view, "Memory");
    fprintf(view->terminal.out,
            "%.1f MiB resident at first, %.1f at least, %.1f at most\n",
            (double)session->memory_first_kb / 1024,
            (double)session->memory_least_kb / 1024,
            (double)session->memory_most_kb / 1024);
}

void
report_sessions(const struct view *view)
{
    const struct profile *profile = &view->profile;

    for (uint32_t i = 0; i < profile->session_count; i++) {
        if (i == MOST_SESSIONS) {
            print_title(view, "");
            fprintf(view->terminal.out, "and %" PRIu32 " more processes\n",
                    profile->session_count - i);
            break;
        }
        print_session(view, &profile->sessions[i]);
        print_time(view, &profile->sessions[i]);
        print_memory(view, &profile->sessions[i]);
    }
}

static void
print_sampled(const struct view *view)
{
    char sampled[32], samples[32], off_cpu[32];
    uint32_t threads = 0;

    for (uint32_t i = 0; i < view->profile.thread_count; i++)
        threads += tree_has_thread(&view->tree, &view->profile, i);
    format_time(sampled, view->tree.sum_ns);
    format_count(samples, view->tree.samples);
    format_time(off_cpu, view->tree.off_cpu_ns);
    print_title(view, "Sampled");
    fprintf(view->terminal.out,
            "%s of %s time on %" PRIu32 " thread%s, %s samples", sampled,
            mode_name(&view->profile), threads, threads == 1 ? "" : "s",
            samples);
    if (view->tree.off_cpu_ns)
        fprintf(view->terminal.out, "; %s of it off the CPU", off_cpu);
    if (view->tree.partial)
        fprintf(view->terminal.out, "; %s are left out",
                view->held_back ? "others" : "other phases");
    putc('\n', view->terminal.out);
}

static void
print_hz(FILE *out, double hz, const char *words)
{
    fprintf(out, "%.*f Hz %s", hz > 0 && hz < 10 ? 1 : 0, hz, words);
}

static void
print_rate(const struct view *view)
{
    const struct session *first = &view->profile.sessions[0];

    print_title(view, "Rate");
    if (first->interval_ns)
        print_hz(view->terminal.out, 1e9 / (double)first->interval_ns,
                 "asked for, ");
    print_hz(view->terminal.out, achieved_hz(&view->tree), "achieved, by ");
    fprintf(view->terminal.out, "%s\n", clock_name(first->clock));
}

struct cause {
    uint64_t count;
    const char *words;
};

/* "12 ring full, 3 tick while busy" of those that are not zero. */
static void
print_causes(FILE *out, const struct cause *causes, unsigned count)
{
    const char *between = " (";

    for (unsigned i = 0; i < count; i++) {
        char number[32];

        if (!causes[i].count)
            continue;
        format_count(number, causes[i].count);
        fprintf(out, "%s%s %s", between, number, causes[i].words);
        between = ", ";
    }
    if (strcmp(between, ", ") == 0)
        putc(')', out);
}

static void
print_losses(const struct view *view, const struct losses *losses)
{
    const struct session_stats *stats = &losses->stats;
    const struct cause causes[] = {
        { stats->lost_ring_full, "because the buffer was full" },
        { stats->lost_busy, "because a sample was being taken" },
        { stats->lost_switching, "in the middle of a stack switch" },
        { stats->unwritten, "not written: the file could not be" },
    };
    const struct cause merges[] = {
        { stats->lost_walker, "into the next one of a walker" },
        { stats->lost_overrun, "into one that was late" },
    };
    const struct cause cut[] = { { stats->frames_cut, "frames missing" } };
    char lost[32], merged[32], truncated[32];

    format_count(lost, losses->lost);
    format_count(merged, losses->merged);
    format_count(truncated, stats->stacks_cut);
    print_title(view, "Accuracy");
    if (!losses->lost && losses->sessions_without_end)
        fputs("lost unknown (the recording has no end)", view->terminal.out);
    else
        fprintf(view->terminal.out, "lost %s", lost);
    print_causes(view->terminal.out, causes,
                 sizeof(causes) / sizeof(causes[0]));
    if (losses->merged)
        fprintf(view->terminal.out, ", merged %s", merged);
    print_causes(view->terminal.out, merges,
                 sizeof(merges) / sizeof(merges[0]));
    fprintf(view->terminal.out, ", truncated %s", truncated);
    print_causes(view->terminal.out, cut, 1);
    putc('\n', view->terminal.out);
}

static void
print_line(const struct view *view, enum style style, uint64_t count,
           const char *words)
{
    char number[32];

    if (!count)
        return;
    format_count(number, count);
    print_title(view, "");
    terminal_print(&view->terminal, style, "%s %s\n", number, words);
}

static void
print_warning(const struct view *view, uint64_t count, const char *words)
{
    print_line(view, STYLE_WARNING, count, words);
}

/* What is to be known, but nothing to worry about. */
static void
print_notes(const struct view *view, const struct session_stats *stats)
{
    print_line(view, STYLE_PLAIN, stats->polled, "samples taken at polls");
    print_line(view, STYLE_PLAIN, stats->held_back,
               "samples late, as their signal was blocked");
    print_line(view, STYLE_PLAIN, stats->system_ticks,
               "ticks fell into system calls");
    print_line(view, STYLE_PLAIN, stats->clock_retries,
               "times a timer was refused at first");
}

static void
print_warnings(const struct view *view, const struct losses *losses)
{
    print_warning(view, losses->sessions_without_stats,
                  "process(es) left no counters: what they lost is unknown");
    print_warning(view, losses->stats.clock_failures,
                  "time(s) a thread had no clock, or lost the one that it had");
    print_warning(view, losses->stats.overflows,
                  "calls found the shadow stack full");
    print_warning(view, losses->stats.locations_lost,
                  "frames lost their line with their code object, or their "
                  "address among too many");
    print_warning(view, losses->stats.native_cut,
                  "samples lack outer machine code: more was on the stack "
                  "than was copied");
    print_warning(view, losses->stats.native_failed,
                  "samples lack outer machine code: it could not be unwound");
    print_warning(view, view->tree.leaf_missing,
                  "samples miss the innermost frames");
}

static void
print_lack_of_samples(const struct view *view, const struct losses *losses)
{
    const struct damage *damage = &view->profile.damage;

    if (view->profile.sample_count ||
        !(damage->cut || damage->bytes_unread || losses->sessions_without_end))
        return;
    print_title(view, "");
    terminal_print(&view->terminal, STYLE_WARNING,
                   "no samples could be read\n");
}

static bool
has_chunks(const struct view *view)
{
    return strncmp(view->profile.format, "vmprof native", 13) == 0;
}

void
report_damage(const struct view *view)
{
    const struct damage *damage = &view->profile.damage;
    char unread[32];

    if (damage->bytes_unread || damage->cut) {
        format_count(unread, damage->bytes_unread);
        print_title(view, "Damage");
        terminal_print(&view->terminal, STYLE_WARNING,
                       "%s bytes could not be read, the first at offset "
                       "%" PRIu64 "%s\n",
                       unread, damage->first_offset,
                       !damage->cut       ? ""
                       : has_chunks(view) ? "; the file ends in mid-chunk"
                                          : "; the file ends in mid-record");
    }
    print_warning(view, damage->chunks_missing, "chunks are missing");
    print_warning(view, damage->chunks_unknown,
                  "chunks were skipped: a newer vmprof may read them");
    print_warning(view, damage->samples_unknown,
                  "samples lost their stack and are under [unknown]");
    print_warning(view, damage->words_unknown,
                  "names of types or opcodes were lost: they are [unknown]");
    for (enum repair i = 0; i < REPAIRS; i++)
        print_warning(view, damage->repairs[i], repair_words(i));
}

int
report_header(const struct view *view)
{
    struct losses losses;

    sum_losses(&losses, &view->profile);
    report_sessions(view);
    print_sampled(view);
    print_rate(view);
    print_losses(view, &losses);
    report_recorded(view);
    print_notes(view, &losses.stats);
    print_warnings(view, &losses);
    report_damage(view);
    print_lack_of_samples(view, &losses);
    return 0;
}
