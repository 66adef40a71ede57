/* SPDX-License-Identifier: MIT */

#include "modules.h"

#include <stdlib.h>
#include <string.h>

#include "../os/clock.h"
#include "image.h"

enum {
    REST_PER_COST = 10, /* looking takes at most a 10th of a CPU */
    ROUNDS_KEPT = 2,
};

static bool
is_same(const struct vmp_module *module, const struct vmp_mapping *mapping)
{
    return module->start == mapping->start && module->end == mapping->end &&
           module->offset == mapping->offset &&
           module->device == mapping->device &&
           module->inode == mapping->inode &&
           (!module->path || !strcmp(module->path, mapping->path));
}

/* Where the file begins that mappings are of. */
struct image {
    uint64_t device, inode, start;
};

static void
follow_image(struct image *image, const struct vmp_mapping *mapping)
{
    if (!mapping->offset)
        *image =
            (struct image){ mapping->device, mapping->inode, mapping->start };
    else if (mapping->inode != image->inode || mapping->device != image->device)
        *image = (struct image){ 0 };
}

static void
describe(struct vmp_modules *modules, struct vmp_module *module,
         const struct vmp_mapping *mapping, const struct image *image,
         struct vmp_reader *reader)
{
    const bool is_named = mapping->inode || !strcmp(mapping->path, "[vdso]") ||
                          !strcmp(mapping->path, "[vsyscall]");

    *module = (struct vmp_module){
        .start = mapping->start,
        .end = mapping->end,
        .offset = mapping->offset,
        .device = mapping->device,
        .inode = mapping->inode,
        .first_ns = modules->read_ns,
    };
    if (!is_named)
        return;
    module->path = strdup(mapping->path);
    if (!module->path)
        return;
    module->id = ++modules->last_id;
    modules->version++;
    module->image = image->start;
    vmp_image_read(module, reader);
}

static bool
overlap(const struct vmp_module *a, const struct vmp_module *b)
{
    return a->start < b->end && b->start < a->end;
}

/* Keep one that is no longer there for the samples on their way. */
static void
bury(struct vmp_modules *modules, struct vmp_module *module)
{
    struct vmp_module *gone;
    unsigned *gone_in;

    if (!module->id)
        return;
    modules->version++;
    gone = realloc(modules->gone, (modules->gone_count + 1) * sizeof(*gone));
    if (gone)
        modules->gone = gone;
    gone_in =
        realloc(modules->gone_in, (modules->gone_count + 1) * sizeof(*gone_in));
    if (gone_in)
        modules->gone_in = gone_in;
    if (!gone || !gone_in) {
        free(module->path);
        return;
    }
    gone[modules->gone_count] = *module;
    gone[modules->gone_count].unwind_table = 0;
    gone[modules->gone_count].is_contested = true;
    gone_in[modules->gone_count++] = modules->round;
}

static void
forget_gone(struct vmp_modules *modules)
{
    size_t kept = 0;

    for (size_t i = 0; i < modules->gone_count; i++) {
        if (modules->round - modules->gone_in[i] >= ROUNDS_KEPT) {
            free(modules->gone[i].path);
            continue;
        }
        modules->gone[kept] = modules->gone[i];
        modules->gone_in[kept++] = modules->gone_in[i];
    }
    modules->gone_count = kept;
}

/* Where something else was a moment ago, it depends on the time of a sample what
 * it means. */
static void
find_contests(struct vmp_modules *modules)
{
    for (size_t i = 0; i < modules->live_count; i++) {
        struct vmp_module *const live = &modules->live[i];

        live->is_contested = false;
        for (size_t g = 0; g < modules->gone_count; g++)
            live->is_contested |= overlap(live, &modules->gone[g]);
    }
}

static struct vmp_module *
next_old(struct vmp_modules *modules, size_t *i,
         const struct vmp_mapping *mapping)
{
    while (*i < modules->live_count && modules->live[*i].start < mapping->start)
        bury(modules, &modules->live[(*i)++]);
    if (*i < modules->live_count && is_same(&modules->live[*i], mapping))
        return &modules->live[(*i)++];
    return NULL;
}

/* Both are in the order of addresses. */
static void
take_over(struct vmp_modules *modules, struct vmp_reader *reader)
{
    struct vmp_module *made = NULL;
    size_t count = 0, size = 0, old = 0;
    struct image image = { 0 };
    struct vmp_mapping mapping;
    char *at = modules->maps.text;

    while (vmp_maps_next(&at, &mapping)) {
        struct vmp_module *same;

        follow_image(&image, &mapping);
        if (!mapping.is_code)
            continue;
        if (count == size) {
            struct vmp_module *const grown =
                realloc(made, (size = 2 * size + 32) * sizeof(*made));
            if (!grown)
                break;
            made = grown;
        }
        same = next_old(modules, &old, &mapping);
        if (same)
            made[count] = *same;
        else
            describe(modules, &made[count], &mapping, &image, reader);
        count++;
    }
    while (old < modules->live_count)
        bury(modules, &modules->live[old++]);
    free(modules->live);
    modules->live = made;
    modules->live_count = count;
    for (size_t i = 0; i < count; i++)
        made[i].last_ns = modules->begun_ns;
    find_contests(modules);
}

static void
refresh(struct vmp_modules *modules, struct vmp_reader *reader)
{
    uint64_t used_ns;
    bool is_read;

    vmp_reader_forget(reader);
    used_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    modules->begun_ns = vmp_now_ns(CLOCK_MONOTONIC);
    is_read = vmp_maps_read(&modules->maps);
    modules->read_ns = vmp_now_ns(CLOCK_MONOTONIC);
    if (is_read)
        take_over(modules, reader);
    modules->refreshed_ns = vmp_now_ns(CLOCK_MONOTONIC);
    modules->cost_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID) - used_ns;
}

void
vmp_modules_turn_to(struct vmp_modules *modules, struct vmp_reader *reader,
                    uint64_t sample_ns)
{
    modules->sample_ns = sample_ns;
    if (sample_ns > modules->begun_ns &&
        vmp_now_ns(CLOCK_MONOTONIC) - modules->refreshed_ns >=
            REST_PER_COST * modules->cost_ns)
        refresh(modules, reader);
}

void
vmp_modules_begin(struct vmp_modules *modules)
{
    modules->round++;
    if (modules->gone_count) {
        forget_gone(modules);
        find_contests(modules);
    }
}

static struct vmp_module *
find_live(struct vmp_modules *modules, uint64_t address)
{
    size_t low = 0, high = modules->live_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (modules->live[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < modules->live_count && modules->live[low].start <= address)
        return &modules->live[low];
    return NULL;
}

/* What was there before `live`, or that if nothing was; NULL in between. */
static struct vmp_module *
find_gone(struct vmp_modules *modules, uint64_t address,
          struct vmp_module *live)
{
    struct vmp_module *next = live;
    bool is_known = false;

    for (size_t i = modules->gone_count; i--;) {
        struct vmp_module *const gone = &modules->gone[i];

        if (address < gone->start || address >= gone->end)
            continue;
        if (modules->sample_ns > gone->last_ns)
            return next ? NULL : gone;
        if (modules->sample_ns >= gone->first_ns)
            return gone;
        next = gone;
        is_known = true;
    }
    return is_known ? NULL : live;
}

struct vmp_module *
vmp_modules_find(struct vmp_modules *modules, uint64_t address)
{
    struct vmp_module *const live = find_live(modules, address);

    if (live && (!live->is_contested || modules->sample_ns >= live->first_ns))
        return live;
    return find_gone(modules, address, live);
}

void
vmp_modules_free(struct vmp_modules *modules)
{
    for (size_t i = 0; i < modules->live_count; i++)
        free(modules->live[i].path);
    for (size_t i = 0; i < modules->gone_count; i++)
        free(modules->gone[i].path);
    free(modules->live);
    free(modules->gone);
    free(modules->gone_in);
    free(modules->maps.text);
    memset(modules, 0, sizeof(*modules));
}
