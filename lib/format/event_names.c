/* SPDX-License-Identifier: MIT */

/* What events are called, in options and in reports. */

#include <vmprof/event_names.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BIT(kind) VMPROF_EVENT_BIT(VMPROF_EVENT_##kind)

enum {
    KINDS = 64,
};

static const char *const names[KINDS] = {
    [VMPROF_EVENT_CALL] = "call",
    [VMPROF_EVENT_RESUME] = "resume",
    [VMPROF_EVENT_RETURN] = "return",
    [VMPROF_EVENT_YIELD] = "yield",
    [VMPROF_EVENT_THROW_INTO] = "throw-into",
    [VMPROF_EVENT_UNWIND] = "unwind",
    [VMPROF_EVENT_C_CALL] = "c-call",
    [VMPROF_EVENT_C_RETURN] = "c-return",
    [VMPROF_EVENT_C_RAISE] = "c-raise",
    [VMPROF_EVENT_RAISE] = "raise",
    [VMPROF_EVENT_RERAISE] = "reraise",
    [VMPROF_EVENT_HANDLED] = "handled",
    [VMPROF_EVENT_LINE] = "line",
    [VMPROF_EVENT_INSTRUCTION] = "instruction",
    [VMPROF_EVENT_BRANCH_TAKEN] = "branch-taken",
    [VMPROF_EVENT_BRANCH_NOT_TAKEN] = "branch-not-taken",
    [VMPROF_EVENT_JUMP] = "jump",
    [VMPROF_EVENT_BACK_EDGE] = "back-edge",
    [VMPROF_EVENT_CODE_CREATED] = "code-created",
    [VMPROF_EVENT_CODE_DESTROYED] = "code-destroyed",
    [VMPROF_EVENT_ALLOCATION] = "allocation",
    [VMPROF_EVENT_FREE] = "free",
    [VMPROF_EVENT_GC_START] = "gc-start",
    [VMPROF_EVENT_GC_END] = "gc-end",
    [VMPROF_EVENT_JIT_COMPILED] = "jit-compiled",
    [VMPROF_EVENT_JIT_ABORTED] = "jit-aborted",
    [VMPROF_EVENT_JIT_ENTERED] = "jit-entered",
    [VMPROF_EVENT_JIT_LEFT] = "jit-left",
    [VMPROF_EVENT_JIT_INVALIDATED] = "jit-invalidated",
    [VMPROF_EVENT_THREAD_STARTED] = "thread-started",
    [VMPROF_EVENT_THREAD_ENDED] = "thread-ended",
    [VMPROF_EVENT_VM] = "vm-0",
    [VMPROF_EVENT_VM + 1] = "vm-1",
    [VMPROF_EVENT_VM + 2] = "vm-2",
    [VMPROF_EVENT_VM + 3] = "vm-3",
    [VMPROF_EVENT_VM + 4] = "vm-4",
    [VMPROF_EVENT_VM + 5] = "vm-5",
    [VMPROF_EVENT_VM + 6] = "vm-6",
    [VMPROF_EVENT_VM + 7] = "vm-7",
    [VMPROF_EVENT_VM + 8] = "vm-8",
    [VMPROF_EVENT_VM + 9] = "vm-9",
    [VMPROF_EVENT_VM + 10] = "vm-10",
    [VMPROF_EVENT_VM + 11] = "vm-11",
    [VMPROF_EVENT_VM + 12] = "vm-12",
    [VMPROF_EVENT_VM + 13] = "vm-13",
    [VMPROF_EVENT_VM + 14] = "vm-14",
    [VMPROF_EVENT_VM + 15] = "vm-15",
};

static const struct {
    const char *name;
    uint64_t events;
} groups[] = {
    { "calls", BIT(CALL) | BIT(RESUME) | BIT(RETURN) | BIT(YIELD) |
                   BIT(THROW_INTO) | BIT(UNWIND) },
    { "c-calls", BIT(C_CALL) | BIT(C_RETURN) | BIT(C_RAISE) },
    { "exceptions", BIT(RAISE) | BIT(RERAISE) | BIT(HANDLED) },
    { "branches",
      BIT(BRANCH_TAKEN) | BIT(BRANCH_NOT_TAKEN) | BIT(JUMP) | BIT(BACK_EDGE) },
    { "code", BIT(CODE_CREATED) | BIT(CODE_DESTROYED) },
    { "memory", BIT(ALLOCATION) | BIT(FREE) },
    { "gc", BIT(GC_START) | BIT(GC_END) },
    { "jit", BIT(JIT_COMPILED) | BIT(JIT_ABORTED) | BIT(JIT_ENTERED) |
                 BIT(JIT_LEFT) | BIT(JIT_INVALIDATED) },
    { "threads", BIT(THREAD_STARTED) | BIT(THREAD_ENDED) },
    { "vm", (uint64_t)0xffff << VMPROF_EVENT_VM },
    { "all", VMPROF_EVENTS_ALL },
};

enum {
    GROUPS = sizeof(groups) / sizeof(*groups),
};

const char *
vmprof_event_name(uint32_t kind)
{
    return kind < KINDS ? names[kind] : NULL;
}

const char *
vmprof_event_group(uint64_t index, uint64_t *events)
{
    if (index >= GROUPS)
        return NULL;
    if (events)
        *events = groups[index].events;
    return groups[index].name;
}

static bool
is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

/* The bits of one name; 0: it means nothing. */
static uint64_t
find(const char *text, size_t size)
{
    for (uint32_t kind = 0; kind < KINDS; kind++)
        if (names[kind] && is_word(text, size, names[kind]))
            return VMPROF_EVENT_BIT(kind);
    for (size_t i = 0; i < GROUPS; i++)
        if (is_word(text, size, groups[i].name))
            return groups[i].events;
    return 0;
}

int
vmprof_parse_events(const char *text, uint64_t *events)
{
    uint64_t all = 0;

    for (;;) {
        const size_t size = strcspn(text, ",;");
        const uint64_t found = find(text, size);

        if (!found)
            return -EINVAL;
        all |= found;
        if (text[size] != ',')
            break;
        text += size + 1;
    }
    *events = all;
    return 0;
}
