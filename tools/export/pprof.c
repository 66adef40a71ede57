/* SPDX-License-Identifier: MIT */

/*
 * pprof: a protobuf message in gzip. It is written part by part, and a string
 * when it is first used, so memory goes by the call tree and not by the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <vmprof/sampler.h>
#include <vmprof/stack.h>

#include "../analyse/losses.h"
#include "export.h"
#include "fold.h"
#include "pprof_places.h"
#include "sums.h"

struct pprof {
    struct pprof_file file;
    struct pprof_places places;
    struct fold fold;
    struct sums samples, folded;
    uint32_t *labels; /* by frame; then of one path */
    uint64_t *locations;
};

static Pprof__ValueType
value_type(struct pprof *p, const char *type, const char *unit)
{
    Pprof__ValueType value = PPROF__VALUE_TYPE__INIT;

    value.type = pprof_file_string(&p->file, type);
    value.unit = pprof_file_string(&p->file, unit);
    return value;
}

static const struct session *
first_session(const struct profile *profile)
{
    static const struct session none;

    return profile->session_count ? profile->sessions : &none;
}

static void
set_times(Pprof__Profile *part, const struct profile *profile)
{
    uint64_t start = UINT64_MAX;
    uint64_t end = 0;

    for (uint32_t i = 0; i < profile->session_count; i++) {
        const struct session *session = &profile->sessions[i];

        if (start > session->unix_ns)
            start = session->unix_ns;
        if (end < session->unix_ns + session->end_ns)
            end = session->unix_ns + session->end_ns;
    }
    if (end >= start) {
        part->time_nanos = (int64_t)start;
        part->duration_nanos = (int64_t)(end - start);
    }
}

static void
write_comments(struct pprof *p, const struct profile *profile)
{
    Pprof__Profile part = PPROF__PROFILE__INIT;
    struct losses losses;
    int64_t comments[2];

    comments[part.n_comment++] = pprof_file_format(
        &p->file, "converted by vmprof from: %s", profile->format);
    sum_losses(&losses, profile);
    if (profile->session_count && !losses.sessions_without_stats)
        comments[part.n_comment++] = pprof_file_format(
            &p->file,
            "samples lost: %" PRIu64 "; merged into another: %" PRIu64
            "; stacks cut: %" PRIu64,
            losses.lost, losses.merged, losses.stats.stacks_cut);
    part.comment = comments;
    pprof_file_write(&p->file, &part);
}

static void
write_header(struct pprof *p, const struct export_job *job)
{
    const struct session *session = first_session(&job->profile);
    const char *clock = session->mode == VMPROF_MODE_WALL ? "wall" : "cpu";
    Pprof__Profile part = PPROF__PROFILE__INIT;

    Pprof__ValueType samples = value_type(p, "samples", "count");
    Pprof__ValueType time = value_type(p, clock, "nanoseconds");
    Pprof__ValueType *types[] = { &samples, &time };

    part.n_sample_type = 2;
    part.sample_type = types;
    part.period_type = &time;
    part.period = (int64_t)session->interval_ns;
    part.default_sample_type = time.type;
    set_times(&part, &job->profile);
    pprof_file_write(&p->file, &part);
}

static size_t
fill_locations(struct pprof *p, uint32_t node)
{
    uint32_t depth = fold_path(&p->fold, node, p->labels);

    for (uint32_t i = 0; i < depth; i++)
        p->locations[i] = (uint64_t)p->labels[i] + 1;
    return depth;
}

static const char *
phase_name(uint32_t phase)
{
    static const char *const names[] = {
        [VMPROF_PHASE_TRACING] = "tracing",
        [VMPROF_PHASE_OPTIMISING] = "optimising",
        [VMPROF_PHASE_BACKEND] = "backend",
        [VMPROF_PHASE_COMPILED] = "compiled",
        [VMPROF_PHASE_BLACKHOLE] = "blackhole",
        [VMPROF_PHASE_GC] = "gc",
        [VMPROF_PHASE_NATIVE] = "native",
    };

    return names[phase];
}

enum {
    MAX_LABELS = 5,
};

static Pprof__Label
text_label(struct pprof *p, const char *key, const char *value)
{
    Pprof__Label label = PPROF__LABEL__INIT;

    label.key = pprof_file_string(&p->file, key);
    label.str = pprof_file_string(&p->file, value);
    return label;
}

static size_t
fill_labels(struct pprof *p, const struct thread *thread, struct sum_key key,
            Pprof__Label labels[MAX_LABELS])
{
    size_t count = 0;

    if (thread->name && *thread->name)
        labels[count++] = text_label(p, "thread", thread->name);
    labels[count] = text_label(p, "thread_id", NULL);
    labels[count++].num = (int64_t)thread->id;
    if (key.phase)
        labels[count++] = text_label(p, "phase", phase_name(key.phase));
    if (key.off_cpu)
        labels[count++] = text_label(p, "state", "off-cpu");
    if (key.held_back)
        labels[count++] = text_label(p, "late", "held-back");
    return count;
}

static void
write_sample(struct pprof *p, const struct profile *profile, uint32_t row)
{
    struct sum_key key = sums_key(&p->folded, row);
    const struct sum *sum = &p->folded.rows[row];
    Pprof__Profile part = PPROF__PROFILE__INIT;
    Pprof__Sample sample = PPROF__SAMPLE__INIT;
    Pprof__Sample *samples = &sample;
    Pprof__Label labels[MAX_LABELS];
    Pprof__Label *label_list[MAX_LABELS];
    int64_t values[] = { (int64_t)sum->samples, (int64_t)sum->weight_ns };

    sample.n_location_id = fill_locations(p, key.node);
    sample.location_id = p->locations;
    sample.n_value = 2;
    sample.value = values;
    sample.n_label = fill_labels(p, &profile->threads[key.thread], key, labels);
    for (size_t i = 0; i < sample.n_label; i++)
        label_list[i] = &labels[i];
    sample.label = label_list;
    part.n_sample = 1;
    part.sample = &samples;
    pprof_file_write(&p->file, &part);
}

/* What of a frame is not in its location is folded. */
static int
fold_by_line(struct pprof *p, const struct profile *profile)
{
    uint32_t depth = fold_max_depth(profile);
    uint32_t room = profile->frame_count > depth ? profile->frame_count : depth;

    if (pprof_places_open(&p->places, profile))
        return -1;
    p->labels = calloc((size_t)room + 1, sizeof(*p->labels));
    p->locations = calloc((size_t)depth + 1, sizeof(*p->locations));
    if (!p->labels || !p->locations)
        return -1;
    for (uint32_t i = 0; i < profile->frame_count; i++) {
        p->labels[i] = pprof_place(&p->places, &profile->frames[i], i);
        if (p->labels[i] == DENSE_NONE)
            return -1;
    }
    return fold_build(&p->fold, profile, p->labels);
}

static uint32_t
extra_node(struct pprof *p, enum extra extra)
{
    const uint32_t place = pprof_extra_place(&p->places, extra);

    return place == DENSE_NONE ? DENSE_NONE : fold_child(&p->fold, 0, place);
}

static int
fold_samples(struct pprof *p, const struct profile *profile)
{
    int result = 0;

    for (uint32_t row = 0; !result && row < p->samples.keys.count; row++) {
        struct sum_key key = sums_key(&p->samples, row);

        key.node = p->fold.of[key.node];
        if (!key.node)
            key.node = extra_node(p, sum_key_extra(key));
        if (key.node == DENSE_NONE)
            return -1;
        result = sums_put(&p->folded, key, p->samples.rows[row]);
    }
    if (!result)
        result = sums_put_unsampled(&p->folded, &p->samples, profile,
                                    extra_node(p, EXTRA_UNSAMPLED));
    return result;
}

static int
write_all(struct pprof *p, const struct export_job *job)
{
    int result = pprof_file_open(&p->file, job->output->fd);

    if (!result) {
        write_header(p, job);
        write_comments(p, &job->profile);
        for (uint32_t row = 0; row < p->folded.keys.count; row++) {
            if (p->file.error)
                break;
            write_sample(p, &job->profile, row);
        }
        pprof_places_write(&p->places, &p->file, export_title(job));
    }
    return pprof_file_close(&p->file);
}

static void
free_all(struct pprof *p)
{
    pprof_places_free(&p->places);
    fold_free(&p->fold);
    sums_free(&p->samples);
    sums_free(&p->folded);
    free(p->labels);
    free(p->locations);
}

int
export_pprof(struct export_job *job)
{
    struct pprof p = { .samples.tells_held_back = true };
    int result = export_read(job, true, sums_add, &p.samples);

    if (!result) {
        if (fold_by_line(&p, &job->profile) || fold_samples(&p, &job->profile))
            result = -ENOMEM;
        else
            result = write_all(&p, job);
        if (result == -ENOMEM)
            result = export_out_of_memory(job);
        else if (result) /* of the file: reported when it is completed */
            job->output->error = -result, result = 0;
    }
    free_all(&p);
    return result;
}
