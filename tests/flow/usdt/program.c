/* SPDX-License-Identifier: MIT */

/* A VM that calls, returns and collects: 5 times, where somebody wants that. */
#include <stdio.h>
#include <stdlib.h>

#include <vmprof/vmprof.h>

static struct vmprof_thread *thread;
static unsigned fired;

static void
fire(enum vmprof_event_kind kind, vmprof_code_id code, uint32_t line)
{
    const struct vmprof_event event = {
        .kind = kind,
        .code = code,
        .line = line,
        .offset = line * 10,
    };

    if (!vmprof_wants_event(thread, VMPROF_EVENT_BIT(kind)))
        return;
    fired++;
    if (vmprof_fire_event(thread, &event) != 0)
        abort();
}

int
main(void)
{
    struct vmprof_code_class *code_class;
    vmprof_code_id code;

    if (vmprof_register_code_class("vm", NULL, &code_class) ||
        vmprof_register_code(code_class, NULL, "vm:work:7:a.vm", &code) ||
        vmprof_attach_thread(NULL, &thread))
        return 1;
    for (uint32_t i = 1; i <= 5; i++) {
        fire(VMPROF_EVENT_CALL, code, i);
        fire(VMPROF_EVENT_GC_START, 0, 0);
        fire(VMPROF_EVENT_RETURN, code, i);
    }
    vmprof_detach_thread(thread);
    printf("fired %u\n", fired);
    return 0;
}
