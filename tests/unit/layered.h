/* SPDX-License-Identifier: MIT */

/* Events of codes that a test names by letters, and what layers make of them. */
#ifndef LAYERED_H
#define LAYERED_H

#include "suite.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "profiled.h"

enum {
    LETTERS = 26,
    TEXT_SIZE = 2048,
};

static vmprof_code_id codes[LETTERS];
static struct vmprof_thread *self;

static inline vmprof_code_id
code_of(char letter)
{
    return codes[toupper((unsigned char)letter) - 'A'];
}

static inline char
letter_of(vmprof_code_id code)
{
    if (code == VMPROF_ANY_CALLER)
        return '*';
    for (int i = 0; i < LETTERS && code; i++)
        if (codes[i] == code)
            return (char)('A' + i);
    return '-';
}

static inline int
set_up(void **state)
{
    static struct vmprof_code_class *code_class;

    (void)state;
    if (!code_class && vmprof_register_code_class("t", NULL, &code_class) < 0)
        return -1;
    for (int i = 0; i < LETTERS && !codes[i]; i++) {
        char name[] = "t:X:1:f.t";

        name[2] = (char)('A' + i);
        if (vmprof_register_code(code_class, &codes[i], name, &codes[i]) < 0)
            return -1;
    }
    return vmprof_attach_thread(NULL, &self);
}

static inline int
tear_down(void **state)
{
    (void)state;
    return vmprof_detach_thread(self);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static inline int
fire_event(struct vmprof_thread *thread, const struct vmprof_event *event)
{
    return vmprof_wants_event(thread, VMPROF_EVENT_BIT(event->kind))
               ? vmprof_fire_event(thread, event)
               : 0;
}

static inline void
fire_on(struct vmprof_thread *thread, enum vmprof_event_kind kind, char letter)
{
    const struct vmprof_event event = {
        .kind = kind,
        .code = code_of(letter),
    };

    fire_event(thread, &event);
}

/*
 * A program of events: a letter is a call, a lower case one of C; behind ")" a
 * letter returns, behind "!" it is left by an exception, behind "~" it yields,
 * behind "^" it goes on, behind "&" with an exception.
 */
static inline void
run_on(struct vmprof_thread *thread, const char *program)
{
    static const char marks[] = ")!~^&";
    static const enum vmprof_event_kind kinds[] = {
        VMPROF_EVENT_RETURN, VMPROF_EVENT_UNWIND,     VMPROF_EVENT_YIELD,
        VMPROF_EVENT_RESUME, VMPROF_EVENT_THROW_INTO,
    };

    for (; *program; program++) {
        const char *const mark = strchr(marks, *program);
        enum vmprof_event_kind kind = VMPROF_EVENT_CALL;
        struct vmprof_event event = { 0 };

        if (mark) {
            kind = kinds[mark - marks];
            program++;
        }
        event.code = code_of(*program);
        if (islower((unsigned char)*program)) {
            event.callee = event.code;
            event.code = 0;
            kind = kind == VMPROF_EVENT_CALL     ? VMPROF_EVENT_C_CALL
                   : kind == VMPROF_EVENT_RETURN ? VMPROF_EVENT_C_RETURN
                                                 : VMPROF_EVENT_C_RAISE;
        }
        event.kind = kind;
        fire_event(thread, &event);
    }
}

/* Rows as text, in order: "AB2 " is A calls B twice, "AB2+3 " and resumes it
 * three times. */
static inline int
write_call(void *user, const struct vmprof_call *call)
{
    char *const text = user;
    const size_t used = strlen(text);

    snprintf(text + used, TEXT_SIZE - used,
             call->resumes ? "%c%c%u+%u " : "%c%c%u ", letter_of(call->caller),
             letter_of(call->callee), (unsigned)call->calls,
             (unsigned)call->resumes);
    return 0;
}

static inline const char *
calls_of(struct vmprof_layer *layer)
{
    static char text[TEXT_SIZE];

    text[0] = 0;
    assert_int_equal(vmprof_each_call(layer, write_call, text), 0);
    return text;
}

static inline struct vmprof_layer_info
info_of(struct vmprof_layer *layer)
{
    struct vmprof_layer_info info;

    vmprof_layer_info_init(&info);
    assert_int_equal(vmprof_get_layer_info(layer, &info), 0);
    return info;
}

#endif
