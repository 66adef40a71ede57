/* SPDX-License-Identifier: MIT */

/* A holder of trace and profile functions, for tests of these. */
#ifndef HOLDER_H
#define HOLDER_H

#include "layered.h"

#include <errno.h>

/* A holder that notes what it is told: a letter for what, and of which code. */
struct holder {
    struct vmprof_hooks *hooks;
    char told[TEXT_SIZE];
    int result;      /* of its trace function */
    char only;       /* the code that it traces; 0: all */
    bool opcodes;    /* it wants them */
    int fails_after; /* calls of its functions; 0: never */
    void (*act)(struct holder *holder);
};

static inline void
note(struct holder *holder, enum vmprof_hook_event what,
     const struct vmprof_event *event)
{
    static const char letters[] = "clrxopqz";
    const size_t used = strlen(holder->told);
    const char letter = letter_of(event->callee ? event->callee : event->code);

    snprintf(holder->told + used, TEXT_SIZE - used, "%c%c ", letters[what],
             letter);
}

static inline bool
is_to_fail(struct holder *holder)
{
    return holder->fails_after && !--holder->fails_after;
}

static inline int
trace(void *user, struct vmprof_thread *thread, enum vmprof_hook_event what,
      const struct vmprof_event *event, struct vmprof_scope *scope)
{
    struct holder *const holder = user;

    (void)thread;
    if (what == VMPROF_HOOK_CALL) {
        assert_null(scope->data);
        scope->data = holder;
        scope->opcodes = holder->opcodes;
    }
    assert_ptr_equal(scope->data, holder);
    note(holder, what, event);
    if (holder->act)
        holder->act(holder);
    if (is_to_fail(holder))
        return -ECANCELED;
    if (holder->only && code_of(holder->only) != event->code)
        return VMPROF_TRACE_NOT;
    return holder->result;
}

static inline int
profile(void *user, struct vmprof_thread *thread, enum vmprof_hook_event what,
        const struct vmprof_event *event)
{
    struct holder *const holder = user;

    (void)thread;
    note(holder, what, event);
    return is_to_fail(holder) ? -ECANCELED : 0;
}

static inline void
begin(struct holder *holder, const char *name)
{
    memset(holder, 0, sizeof(*holder));
    holder->result = VMPROF_TRACE_FRAME;
    assert_int_equal(vmprof_new_hooks(name, 0, &holder->hooks), 0);
}

static inline void
begin_tracing(struct holder *holder, const char *name)
{
    begin(holder, name);
    assert_int_equal(vmprof_set_trace(holder->hooks, NULL, trace, holder, 0),
                     0);
}

static inline void
expect(struct holder *holder, const char *told)
{
    assert_string_equal(holder->told, told);
    holder->told[0] = 0;
}

#endif
