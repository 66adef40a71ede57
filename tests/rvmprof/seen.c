/* SPDX-License-Identifier: MIT */

#include "seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate.h"

struct cursor {
    const unsigned char *at, *end;
};

static void
take(struct cursor *c, void *to, size_t size)
{
    require((size_t)(c->end - c->at) >= size);
    memcpy(to, c->at, size);
    c->at += size;
}

static unsigned
take_byte(struct cursor *c)
{
    unsigned char byte;

    take(c, &byte, 1);
    return byte;
}

static uint64_t
take_word(struct cursor *c)
{
    uint64_t word;

    take(c, &word, sizeof(word));
    return word;
}

static char *
take_bytes(struct cursor *c, size_t size)
{
    char *const text = calloc(1, size + 1);

    require(text != NULL);
    take(c, text, size);
    require(strlen(text) == size);
    return text;
}

static char *
take_string(struct cursor *c)
{
    const uint64_t size = take_word(c);

    require(size < 1 << 20);
    return take_bytes(c, (size_t)size);
}

/* One more, zeroed. */
static void *
append(void *array, size_t *count, size_t size)
{
    void **const rows = array;

    if (!(*count & (*count - 1))) {
        *rows = realloc(*rows, (*count ? *count * 2 : 1) * size);
        require(*rows != NULL);
    }
    return memset((char *)*rows + (*count)++ * size, 0, size);
}

static void
take_header(struct seen *seen, struct cursor *c)
{
    unsigned char version[2];
    char *name;

    require(take_word(c) == 0 && take_word(c) == 3 && take_word(c) == 0);
    seen->period_us = take_word(c);
    require(take_word(c) == 0);
    require(take_byte(c) == 5);
    take(c, version, 2);
    require(version[0] == 0 && version[1] == 6);
    seen->mode = take_byte(c);
    require(seen->mode & 8);
    name = take_bytes(c, take_byte(c));
    strcpy(seen->vm_name, name);
    free(name);
}

static void
take_sample(struct seen *seen, struct cursor *c)
{
    struct seen_sample *const sample =
        append(&seen->samples, &seen->sample_count, sizeof(*sample));

    require(take_word(c) == 1);
    sample->depth = (size_t)take_word(c);
    require(sample->depth % 2 == 0 && sample->depth <= 1 << 16);
    sample->words = calloc(sample->depth + 1, sizeof(*sample->words));
    require(sample->words != NULL);
    take(c, sample->words, sample->depth * sizeof(*sample->words));
    sample->thread = take_word(c);
    if (seen->mode & 1)
        sample->memory_kb = take_word(c);
}

static void
take_name(struct seen *seen, struct cursor *c)
{
    struct seen_name *const name =
        append(&seen->names, &seen->name_count, sizeof(*name));

    name->id = take_word(c);
    name->name = take_string(c);
}

static void
take_meta(struct seen *seen, struct cursor *c)
{
    require(seen->meta_count < SEEN_MOST_METAS);
    seen->metas[seen->meta_count][0] = take_string(c);
    seen->metas[seen->meta_count++][1] = take_string(c);
}

static void
take_record(struct seen *seen, struct cursor *c)
{
    char *time;

    require(!seen->ended);
    switch (take_byte(c)) {
    case 1:
        take_sample(seen, c);
        break;
    case 2:
    case 8:
        take_name(seen, c);
        break;
    case 7:
        take_meta(seen, c);
        break;
    case 3:
        seen->ended = true;
        /* fallthrough */
    case 6:
        time = calloc(1, 24);
        require(time != NULL);
        take(c, time, 24);
        free(time);
        break;
    default:
        require(false);
    }
}

void
see_native(struct seen *seen, int fd);
void
see(struct seen *seen, int fd)
{
    struct stat status;
    unsigned char *bytes;
    struct cursor c;

    *seen = (struct seen){ .mode = 0 };
    require(fstat(fd, &status) == 0);
    bytes = malloc((size_t)status.st_size + 1);
    require(bytes != NULL);
    require(pread(fd, bytes, (size_t)status.st_size, 0) == status.st_size);
    c = (struct cursor){ bytes, bytes + status.st_size };
    take_header(seen, &c);
    while (c.at < c.end)
        take_record(seen, &c);
    free(bytes);
}

void
seen_free(struct seen *seen)
{
    for (size_t i = 0; i < seen->sample_count; i++)
        free(seen->samples[i].words);
    for (size_t i = 0; i < seen->name_count; i++)
        free(seen->names[i].name);
    for (size_t i = 0; i < seen->meta_count; i++) {
        free(seen->metas[i][0]);
        free(seen->metas[i][1]);
    }
    free(seen->samples);
    free(seen->names);
}

const char *
seen_name(const struct seen *seen, uint64_t id)
{
    for (size_t i = 0; i < seen->name_count; i++)
        if (seen->names[i].id == id)
            return seen->names[i].name;
    return "";
}

uint64_t
seen_id(const struct seen *seen, const char *name)
{
    char full[128];

    snprintf(full, sizeof(full), "py:%s:1:fake.py", name);
    for (size_t i = 0; i < seen->name_count; i++)
        if (!strcmp(seen->names[i].name, full))
            return seen->names[i].id;
    return 0;
}

double
seen_share(const struct seen *seen, uint64_t id)
{
    size_t count = 0;

    for (size_t i = 0; i < seen->sample_count; i++) {
        const struct seen_sample *const sample = &seen->samples[i];
        const size_t at = sample->depth && sample->words[0] == 6 ? 2 : 0;

        count += at < sample->depth && sample->words[at + 1] == id;
    }
    return seen->sample_count
               ? 100.0 * (double)count / (double)seen->sample_count
               : 0;
}
