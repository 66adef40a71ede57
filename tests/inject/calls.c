/* SPDX-License-Identifier: MIT */

/* What a VM does on every call and return. */

#include "operations.h"

#include <stddef.h>

VMPROF_API vmprof_token
exported_enter(struct vmprof_thread *thread, vmprof_code_id code,
               const uintptr_t *position) IN_LIBRARY(vmprof_execute_code_enter);
VMPROF_API vmprof_token
exported_enter_kind(struct vmprof_thread *thread, vmprof_code_id code,
                    enum vmprof_kind kind, const uintptr_t *position)
    IN_LIBRARY(vmprof_enter_kind);
VMPROF_API vmprof_token
exported_enter_at(struct vmprof_thread *thread, vmprof_code_id code,
                  enum vmprof_kind kind, const uintptr_t *position,
                  uintptr_t stack_pointer) IN_LIBRARY(vmprof_enter_at);
VMPROF_API void
exported_leave(struct vmprof_thread *thread, vmprof_token token)
    IN_LIBRARY(vmprof_execute_code_leave);
VMPROF_API void
exported_repair(struct vmprof_thread *thread, vmprof_token token)
    IN_LIBRARY(vmprof_execute_code_repair);
VMPROF_API int
exported_count_down(int64_t *count) IN_LIBRARY(vmprof_count_down);
VMPROF_API int
exported_poll(struct vmprof_thread *thread) IN_LIBRARY(vmprof_poll);
VMPROF_API int64_t
exported_poll_counted(struct vmprof_thread *thread, int64_t countdown)
    IN_LIBRARY(vmprof_poll_counted);
VMPROF_API enum vmprof_phase
exported_set_phase(struct vmprof_thread *thread, enum vmprof_phase phase)
    IN_LIBRARY(vmprof_set_phase);

/* Which frame a token stands for, from the outermost. */
static intptr_t
depth_of(const struct world *world, vmprof_token new)
{
    return (new - token(world, 'A')) / (intptr_t)sizeof(struct vmprof_frame);
}

static intptr_t
enter(struct world *w)
{
    return depth_of(
        w, vmprof_execute_code_enter(w->thread, code(w, 'C'), cell('C')));
}

static intptr_t
enter_in_library(struct world *w)
{
    return depth_of(w, exported_enter(w->thread, code(w, 'C'), cell('C')));
}

static intptr_t
enter_native(struct world *w)
{
    return depth_of(w, vmprof_enter_kind(w->thread, code(w, 'C'),
                                         VMPROF_KIND_NATIVE, cell('C')));
}

static intptr_t
enter_native_in_library(struct world *w)
{
    return depth_of(w, exported_enter_kind(w->thread, code(w, 'C'),
                                           VMPROF_KIND_NATIVE, cell('C')));
}

static intptr_t
enter_elsewhere_in_library(struct world *w)
{
    return depth_of(w, exported_enter_at(w->thread, code(w, 'C'),
                                         VMPROF_KIND_NATIVE, cell('C'),
                                         (uintptr_t)&w));
}

/* The frame is published before it is written. */
static intptr_t
enter_misordered(struct world *w)
{
    struct vmprof_frame *const frame = w->thread->top;
    const uint32_t serial = (uint32_t)frame->link + 1;

    __atomic_store_n(&w->thread->top, frame + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&frame->code, code(w, 'C') | (serial & 1),
                     __ATOMIC_RELEASE);
    __atomic_store_n(&frame->position, cell('C'), __ATOMIC_RELEASE);
    __atomic_store_n(&frame->link, frame[-1].link << 32 | serial,
                     __ATOMIC_RELEASE);
    return 0;
}

static intptr_t
leave(struct world *w)
{
    vmprof_execute_code_leave(w->thread, token(w, 'B'));
    return 0;
}

static intptr_t
leave_in_library(struct world *w)
{
    exported_leave(w->thread, token(w, 'B'));
    return 0;
}

static intptr_t
enter_and_leave(struct world *w)
{
    const vmprof_token new =
        vmprof_execute_code_enter(w->thread, code(w, 'C'), cell('C'));

    vmprof_execute_code_leave(w->thread, new);
    return depth_of(w, new);
}

static void
enter_too_many(struct world *w)
{
    enter_letter(w, 'C');
    enter_letter(w, 'D');
}

static intptr_t
leave_what_did_not_fit(struct world *w)
{
    vmprof_execute_code_leave(w->thread, token(w, 'D'));
    vmprof_execute_code_leave(w->thread, token(w, 'C'));
    return 0;
}

static void
enter_c_and_d(struct world *w)
{
    enter_letter(w, 'C');
    enter_letter(w, 'D');
}

static intptr_t
repair(struct world *w)
{
    vmprof_execute_code_repair(w->thread, token(w, 'B'));
    return 0;
}

static intptr_t
repair_in_library(struct world *w)
{
    exported_repair(w->thread, token(w, 'B'));
    return 0;
}

static void *
return_argument(void *argument)
{
    return argument;
}

static intptr_t
execute(struct world *w)
{
    int argument;

    return vmprof_execute_code(w->thread, code(w, 'C'), return_argument,
                               &argument) == &argument;
}

static intptr_t
set_phase(struct world *w)
{
    return vmprof_set_phase(w->thread, VMPROF_PHASE_GC);
}

static intptr_t
set_phase_in_library(struct world *w)
{
    return exported_set_phase(w->thread, VMPROF_PHASE_GC);
}

static intptr_t
current(struct world *w)
{
    return vmprof_current_thread() == w->thread;
}

static void
poll_soon(struct world *w)
{
    w->thread->poll_countdown = 1;
}

static void
poll_late(struct world *w)
{
    w->thread->poll_countdown = 100;
}

static intptr_t
poll(struct world *w)
{
    vmprof_poll(w->thread);
    return w->thread->poll_countdown >= 1;
}

static intptr_t
poll_in_library(struct world *w)
{
    int64_t last = 1;

    exported_poll(w->thread);
    return exported_count_down(&last) && last == 0 &&
           w->thread->poll_countdown >= 1;
}

static intptr_t
poll_counted(struct world *w)
{
    return vmprof_poll_counted(w->thread, 1) >= 1;
}

static intptr_t
poll_counted_in_library(struct world *w)
{
    return exported_poll_counted(w->thread, 1) >= 1;
}

static const struct operation list[] = {
    { "enter", "vmprof_enter_kind", enter, PATH("AB", "ABC"), 0, NULL },
    { "enter, by a call", "vmprof_execute_code_enter", enter_in_library,
      PATH("AB", "ABC"), 0, NULL },
    { "enter another kind", "vmprof_enter_kind", enter_native,
      PATH("AB", "ABC[7]"), 0, NULL },
    { "enter another kind, by a call", "vmprof_enter_kind",
      enter_native_in_library, PATH("AB", "ABC[7]"), 0, NULL },
    { "enter in another's name, by a call", "vmprof_enter_at",
      enter_elsewhere_in_library, PATH("AB", "ABC[7]"), 0, NULL },
    { "enter a full stack", "vmprof_enter_kind", enter, PATH("AB", "AB+"),
      SHALLOW, NULL },
    { "leave", "vmprof_execute_code_leave", leave, PATH("AB", "A"), 0, NULL },
    { "leave, by a call", "vmprof_execute_code_leave", leave_in_library,
      PATH("AB", "A"), 0, NULL },
    { "leave past two frames", "vmprof_execute_code_leave", leave,
      PATH("ABCD", "A"), 0, enter_c_and_d },
    { "leave what did not fit", "vmprof_execute_code_leave",
      leave_what_did_not_fit, PATH("AB+", "AB"), SHALLOW, enter_too_many },
    { "enter and leave", "vmprof_execute_code_leave", enter_and_leave,
      PATH("AB", "ABC", "AB"), 0, NULL },
    { "repair", "vmprof_execute_code_repair", repair, PATH("ABCD", "AB"), 0,
      enter_c_and_d },
    { "repair, by a call", "vmprof_execute_code_repair", repair_in_library,
      PATH("ABCD", "AB"), 0, enter_c_and_d },
    { "execute code", "vmprof_execute_code", execute, PATH("AB", "ABc", "AB"),
      0, NULL },
    { "set the phase", "vmprof_set_phase", set_phase, PATH("AB", "AB!6"), 0,
      NULL },
    { "set the phase, by a call", "vmprof_set_phase", set_phase_in_library,
      PATH("AB", "AB!6"), 0, NULL },
    { "current thread", "vmprof_current_thread", current, PATH("AB"), 0, NULL },
    { "poll", "vmprof_poll", poll, PATH("AB"), NOT_ALWAYS | MAY_LOSE,
      poll_late },
    { "poll at the end of the countdown", "vmprof_poll_expired", poll,
      PATH("AB"), NOT_ALWAYS | MAY_LOSE, poll_soon },
    { "poll, by a call", "vmprof_poll vmprof_count_down", poll_in_library,
      PATH("AB"), NOT_ALWAYS | MAY_LOSE, poll_soon },
    { "poll with a countdown", "vmprof_poll_counted", poll_counted, PATH("AB"),
      NOT_ALWAYS | MAY_LOSE, NULL },
    { "poll with a countdown, by a call", "vmprof_poll_counted",
      poll_counted_in_library, PATH("AB"), NOT_ALWAYS | MAY_LOSE, NULL },
    { "enter, on a timer", "vmprof_enter_kind", enter, PATH("AB", "ABC"),
      NOT_ALWAYS | ON_TIMER, NULL },
    { "leave, on a timer", "vmprof_execute_code_leave", leave, PATH("AB", "A"),
      NOT_ALWAYS | ON_TIMER, NULL },
    { "poll at the end of the countdown, on a timer", "vmprof_poll_expired",
      poll, PATH("AB"), NOT_ALWAYS | MAY_LOSE | ON_TIMER, poll_soon },
    { "poll at the end of the countdown, on perf", "vmprof_poll_expired", poll,
      PATH("AB"), NOT_ALWAYS | MAY_LOSE | ON_PERF, poll_soon },
    { "enter, on perf", "vmprof_enter_kind", enter, PATH("AB", "ABC"), ON_PERF,
      NULL },
    { "leave, on perf", "vmprof_execute_code_leave", leave, PATH("AB", "A"),
      ON_PERF, NULL },
    { "an enter that publishes first", NULL, enter_misordered,
      PATH("AB", "ABC"), MUST_FAIL, NULL },
    { "a handler that loses errno", NULL, leave, PATH("AB", "A"),
      MUST_FAIL | LOSES_ERRNO, NULL },
};

const struct operations call_operations = { list,
                                            sizeof(list) / sizeof(*list) };
