/* SPDX-License-Identifier: MIT */

#include "header.h"

#include <inttypes.h>
#include <vmprof/sampler.h>

#include "../analyse/losses.h"
#include "../export/text.h"

static void
write_number(FILE *out, const char *key, uint64_t value)
{
    fprintf(out, ",\"%s\":%" PRIu64, key, value);
}

static void
write_string(FILE *out, const char *key, const char *value)
{
    fprintf(out, ",\"%s\":", key);
    text_write_json(out, value);
}

static const char *
clock_name(uint32_t clock)
{
    switch (clock) {
    case VMPROF_CLOCK_PERF:
        return "perf task clock";
    case VMPROF_CLOCK_MONOTONIC:
        return "timer per thread";
    case VMPROF_CLOCK_OBSERVER:
        return "observing thread";
    case VMPROF_CLOCK_CPU_TIMER:
        return "timer on each CPU clock";
    default:
        return "";
    }
}

static void
write_stats(const struct profile *profile, FILE *out)
{
    struct losses losses;
    bool known;

    sum_losses(&losses, profile);
    known = profile->session_count && !losses.sessions_without_stats;
    fprintf(out, ",\"hasStats\":%s", known ? "true" : "false");
    write_number(out, "due", losses.stats.expirations);
    write_number(out, "lost", losses.lost);
    write_number(out, "lostRingFull", losses.stats.lost_ring_full);
    write_number(out, "lostBusy", losses.stats.lost_busy);
    write_number(out, "lostSwitching", losses.stats.lost_switching);
    write_number(out, "unwritten", losses.stats.unwritten);
    write_number(out, "mergedByWalker", losses.stats.lost_walker);
    write_number(out, "mergedLate", losses.stats.lost_overrun);
    write_number(out, "stacksCut", losses.stats.stacks_cut);
    write_number(out, "framesCut", losses.stats.frames_cut);
}

static void
write_damage(const struct profile *profile, FILE *out)
{
    const struct damage *damage = &profile->damage;
    bool ended = true;

    for (uint32_t i = 0; i < profile->session_count; i++)
        ended = ended && profile->sessions[i].ended;
    fprintf(out, ",\"ended\":%s", ended ? "true" : "false");
    write_number(out, "bytesUnread", damage->bytes_unread);
    write_number(out, "chunksMissing", damage->chunks_missing);
    write_number(out, "samplesUnknown", damage->samples_unknown);
}

static uint64_t
longest_session(const struct profile *profile)
{
    uint64_t longest = 0;

    for (uint32_t i = 0; i < profile->session_count; i++)
        if (longest < profile->sessions[i].end_ns)
            longest = profile->sessions[i].end_ns;
    return longest;
}

static void
write_first_session(const struct session *session, FILE *out)
{
    write_string(out, "program", session->program);
    write_string(out, "vm", session->vm_name);
    write_string(out, "os", session->os);
    write_string(out, "machine", session->machine);
    write_string(out, "clock", clock_name(session->clock));
    write_string(out, "mode",
                 session->mode == VMPROF_MODE_WALL ? "wall" : "cpu");
    write_number(out, "intervalNs", session->interval_ns);
    write_number(out, "pid", session->pid);
    write_number(out, "unixMs", session->unix_ns / 1000000);
}

void
write_header(const struct export_job *job, FILE *out)
{
    static const struct session none;
    const struct profile *profile = &job->profile;

    fputs("\"title\":", out);
    text_write_json(out, export_title(job));
    write_string(out, "format", profile->format);
    write_first_session(profile->session_count ? profile->sessions : &none,
                        out);
    write_number(out, "sessions", profile->session_count);
    write_number(out, "durationNs", longest_session(profile));
    write_stats(profile, out);
    write_damage(profile, out);
}
