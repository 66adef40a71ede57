/* SPDX-License-Identifier: MIT */

/* Takes a vmprof log apart as doc/format.md says, and as strictly as
 * vmprof-python does. */
#ifndef STRICT_LOG_H
#define STRICT_LOG_H

#include "suite.h"

#include <stdbool.h>
#include <string.h>

enum {
    CODE = 1,
    JITTED = 3,
    ASSEMBLER = 6,
    NATIVE = 7,
    MOST_STACKS = 64,
    MOST_NAMES = 64,
    MOST_METAS = 64,
    SHOWN_WORDS = 16,
};

struct stack {
    uint64_t depth, thread, memory_kb, words[SHOWN_WORDS];
};

struct log {
    unsigned version, mode;
    uint64_t period_us, end_s, start_s;
    char vm[256];
    size_t stack_count, name_count, meta_count;
    struct stack stacks[MOST_STACKS];
    struct {
        uint64_t id;
        unsigned marker;
        char text[1024];
    } names[MOST_NAMES];
    struct {
        char key[64], value[256];
    } metas[MOST_METAS];
    bool has_end;
};

static inline uint64_t
word(const unsigned char **at)
{
    uint64_t value;

    memcpy(&value, *at, sizeof(value)); /* tests run where words are so */
    *at += sizeof(value);
    return value;
}

static inline size_t
string(const unsigned char **at, char *to, size_t room)
{
    const size_t size = (size_t)word(at);

    assert_in_range(size, 0, room - 1);
    memcpy(to, *at, size);
    to[size] = 0;
    *at += size;
    return size;
}

static inline const char *
name_in(const struct log *log, uint64_t id)
{
    for (size_t i = 0; i < log->name_count; i++)
        if (log->names[i].id == id)
            return log->names[i].text;
    return NULL;
}

static inline const char *
meta_in(const struct log *log, const char *key)
{
    for (size_t i = 0; i < log->meta_count; i++)
        if (strcmp(log->metas[i].key, key) == 0)
            return log->metas[i].value;
    return NULL;
}

static inline void
take_name(struct log *log, unsigned marker, const unsigned char **at)
{
    const uint64_t id = word(at);

    assert_true((int64_t)id > 0);
    assert_null(name_in(log, id));
    assert_in_range(log->name_count, 0, MOST_NAMES - 1);
    log->names[log->name_count].id = id;
    log->names[log->name_count].marker = marker;
    string(at, log->names[log->name_count++].text, 1024);
}

static inline void
take_meta(struct log *log, const unsigned char **at)
{
    char key[64];

    string(at, key, sizeof(key));
    assert_null(meta_in(log, key));
    assert_in_range(log->meta_count, 0, MOST_METAS - 1);
    strcpy(log->metas[log->meta_count].key, key);
    string(at, log->metas[log->meta_count++].value, 256);
}

/* Every id has its name by now. */
static inline void
check_words(const struct log *log, const struct stack *stack)
{
    assert_int_equal(stack->depth % 2, 0);
    for (size_t i = 0; i < stack->depth && i < SHOWN_WORDS; i += 2) {
        const uint64_t kind = stack->words[i], id = stack->words[i + 1];

        assert_true(!(log->mode & 8) || kind == CODE || kind == JITTED ||
                    kind == ASSEMBLER || kind == NATIVE);
        assert_true((int64_t)id > 0);
        if (!(log->mode & 8) || kind != ASSEMBLER)
            assert_non_null(name_in(log, id));
        if (log->mode & 8 && kind != ASSEMBLER)
            assert_int_equal(id & 1, kind == NATIVE);
    }
}

static inline void
take_stack(struct log *log, const unsigned char **at)
{
    struct stack *const stack = &log->stacks[log->stack_count++];

    assert_in_range(log->stack_count, 1, MOST_STACKS);
    assert_int_equal(word(at), 1);
    stack->depth = word(at);
    assert_in_range(stack->depth, 0, 65536);
    for (uint64_t i = 0; i < stack->depth; i++) {
        const uint64_t value = word(at);
        if (i < SHOWN_WORDS)
            stack->words[i] = value;
    }
    stack->thread = word(at);
    stack->memory_kb = log->mode & 1 ? word(at) : 0;
    check_words(log, stack);
}

static inline void
take_header(struct log *log, const unsigned char **at)
{
    assert_int_equal(log->version, 0);
    log->version = (unsigned)(*at)[0] << 8 | (*at)[1];
    log->mode = (*at)[2];
    memcpy(log->vm, *at + 4, (*at)[3]);
    *at += 4 + (*at)[3];
}

static inline void
take_apart(const unsigned char *at, size_t size, struct log *log)
{
    const unsigned char *const end = at + size;

    memset(log, 0, sizeof(*log));
    assert_int_equal(word(&at), 0);
    assert_int_equal(word(&at), 3);
    assert_int_equal(word(&at), 0);
    log->period_us = word(&at);
    assert_int_equal(word(&at), 0);
    while (at < end) {
        const unsigned marker = *at++;

        assert_false(log->has_end);
        assert_true(marker == 5 || log->version == 6);
        if (marker == 1) {
            take_stack(log, &at);
        } else if (marker == 2 || marker == 8) {
            take_name(log, marker, &at);
        } else if (marker == 3 || marker == 6) {
            *(marker == 3 ? &log->end_s : &log->start_s) = word(&at);
            assert_in_range(word(&at), 0, 999999);
            at += 8;
            log->has_end = marker == 3;
        } else if (marker == 5) {
            take_header(log, &at);
        } else {
            assert_int_equal(marker, 7);
            take_meta(log, &at);
        }
    }
    assert_ptr_equal(at, end);
}

#endif
