/* SPDX-License-Identifier: MIT */

#include "hit_sites.h"

#include <stdlib.h>

/* That of one operand whose type has an id that is never given. */
static const uint64_t no_key = UINT64_MAX - 1;

static struct vmp_code_sites **
bucket_of(const struct vmp_hit_sites *sites, uint64_t code)
{
    return &sites->buckets[code / 4 % VMP_SITE_BUCKETS];
}

struct vmp_code_sites *
vmp_hit_sites_find(const struct vmp_hit_sites *sites, uint64_t code)
{
    struct vmp_code_sites *found;

    if (!sites->buckets)
        return NULL;
    found = *bucket_of(sites, code);
    while (found && found->code != code)
        found = found->next;
    return found;
}

static void
clear(struct vmp_code_sites *code)
{
    for (size_t i = 0; i < code->count; i++)
        code->sites[i].key = no_key;
}

struct vmp_code_sites *
vmp_hit_sites_make(struct vmp_hit_sites *sites, uint64_t code, size_t count,
                   size_t most)
{
    struct vmp_code_sites *made;

    if (sites->count > most || count > most - sites->count)
        return NULL;
    if (!sites->buckets)
        sites->buckets = calloc(VMP_SITE_BUCKETS, sizeof(*sites->buckets));
    if (!sites->buckets)
        return NULL;
    made = calloc(1, sizeof(*made) + count * sizeof(*made->sites));
    if (!made)
        return NULL;
    made->code = code;
    made->count = count;
    clear(made);
    made->next = *bucket_of(sites, code);
    *bucket_of(sites, code) = made;
    sites->count += count;
    return made;
}

void
vmp_hit_sites_drop(struct vmp_hit_sites *sites)
{
    for (size_t i = 0; sites->buckets && i < VMP_SITE_BUCKETS; i++)
        for (struct vmp_code_sites *c = sites->buckets[i]; c; c = c->next)
            clear(c);
}

void
vmp_hit_sites_forget(struct vmp_hit_sites *sites, uint64_t code)
{
    struct vmp_code_sites **link, *found;

    if (!sites->buckets)
        return;
    link = bucket_of(sites, code);
    while (*link && (*link)->code != code)
        link = &(*link)->next;
    found = *link;
    if (!found)
        return;
    *link = found->next;
    sites->count -= found->count;
    free(found);
}

void
vmp_hit_sites_free(struct vmp_hit_sites *sites)
{
    for (size_t i = 0; sites->buckets && i < VMP_SITE_BUCKETS; i++) {
        struct vmp_code_sites *c = sites->buckets[i], *next;

        for (; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    free(sites->buckets);
    *sites = (struct vmp_hit_sites){ 0 };
}

bool
vmp_hit_sites_set(const struct vmp_hit_sites *sites, uint64_t code,
                  uint64_t offset, uint64_t key, uint64_t *hits)
{
    struct vmp_code_sites *const found = vmp_hit_sites_find(sites, code);
    struct vmprof_hit_site *site;

    if (!found || offset >= found->count)
        return false;
    site = &found->sites[offset];
    if (site->key == no_key) {
        site->hits = hits;
        site->key = key;
    }
    return site->key == key;
}
