/* SPDX-License-Identifier: MIT */

/* The JSON that report and info have in common. */
#include "json_out.h"
#include "view.h"

static struct json_object *
json_session(const struct session *session)
{
    struct json_object *object = json_object_new_object();

    json_text(object, "program", session->program);
    json_text(object, "vm", session->vm_name);
    json_text(object, "os", session->os);
    json_text(object, "machine", session->machine);
    json_text(object, "library_version", session->library_version);
    json_number(object, "pid", session->pid);
    json_number(object, "unix_ns", session->unix_ns);
    json_number(object, "monotonic_ns", session->monotonic_ns);
    json_number(object, "interval_ns", session->interval_ns);
    json_number(object, "duration_ns", session->end_ns);
    json_text(object, "mode",
              session->mode == 0   ? "cpu"
              : session->mode == 1 ? "wall"
                                   : "unknown");
    json_text(object, "clock", clock_name(session->clock));
    if (session->has_memory) {
        json_number(object, "memory_first_kb", session->memory_first_kb);
        json_number(object, "memory_least_kb", session->memory_least_kb);
        json_number(object, "memory_most_kb", session->memory_most_kb);
    }
    json_flag(object, "ended", session->ended);
    json_flag(object, "has_counters", session->has_stats);
    return object;
}

struct json_object *
json_sessions(const struct profile *profile)
{
    struct json_object *array = json_object_new_array();

    for (uint32_t i = 0; i < profile->session_count; i++)
        json_object_array_add(array, json_session(&profile->sessions[i]));
    return array;
}

/* By key, those that there were. */
static struct json_object *
json_repairs(const struct damage *damage)
{
    struct json_object *object = json_object_new_object();

    for (enum repair i = 0; i < REPAIRS; i++)
        if (damage->repairs[i])
            json_number(object, repair_key(i), damage->repairs[i]);
    return object;
}

struct json_object *
json_damage(const struct profile *profile)
{
    const struct damage *damage = &profile->damage;
    struct json_object *object = json_object_new_object();

    json_number(object, "bytes_unread", damage->bytes_unread);
    json_number(object, "first_offset", damage->first_offset);
    json_number(object, "chunks_missing", damage->chunks_missing);
    json_number(object, "chunks_unknown", damage->chunks_unknown);
    json_number(object, "samples_unknown", damage->samples_unknown);
    json_number(object, "words_unknown", damage->words_unknown);
    json_flag(object, "cut", damage->cut);
    json_object_object_add(object, "repairs", json_repairs(damage));
    return object;
}

static struct json_object *
json_module(const struct module *module)
{
    struct json_object *object = json_object_new_object();

    json_number(object, "session", module->session);
    json_text(object, "path", module->path);
    json_text(object, "build_id", module->build_id);
    json_number(object, "start", module->start);
    json_number(object, "size", module->size);
    json_number(object, "offset", module->offset);
    json_number(object, "bias", module->bias);
    return object;
}

struct json_object *
json_modules(const struct profile *profile)
{
    struct json_object *array = json_object_new_array();

    for (uint32_t i = 1; i < profile->module_count; i++)
        json_object_array_add(array, json_module(&profile->modules[i]));
    return array;
}

struct json_object *
json_losses(const struct profile *profile)
{
    struct json_object *object = json_object_new_object();
    struct losses losses;

    sum_losses(&losses, profile);
    json_number(object, "lost", losses.lost);
    json_number(object, "merged", losses.merged);
    json_number(object, "ring_full", losses.stats.lost_ring_full);
    json_number(object, "busy", losses.stats.lost_busy);
    json_number(object, "switching", losses.stats.lost_switching);
    json_number(object, "walker", losses.stats.lost_walker);
    json_number(object, "overrun", losses.stats.lost_overrun);
    json_number(object, "unwritten", losses.stats.unwritten);
    json_number(object, "expirations", losses.stats.expirations);
    json_number(object, "samples", losses.stats.samples);
    json_number(object, "stacks_truncated", losses.stats.stacks_cut);
    json_number(object, "frames_truncated", losses.stats.frames_cut);
    json_number(object, "overflows", losses.stats.overflows);
    json_number(object, "locations_lost", losses.stats.locations_lost);
    json_number(object, "clock_failures", losses.stats.clock_failures);
    json_number(object, "polled", losses.stats.polled);
    json_number(object, "held_back", losses.stats.held_back);
    json_number(object, "system_ticks", losses.stats.system_ticks);
    json_number(object, "native_cut", losses.stats.native_cut);
    json_number(object, "native_failed", losses.stats.native_failed);
    json_number(object, "clock_retries", losses.stats.clock_retries);
    json_number(object, "sessions_without_counters",
                losses.sessions_without_stats);
    return object;
}
