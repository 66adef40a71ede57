/* SPDX-License-Identifier: MIT */

/* What gdb looks for in a process with compiled code, under the names that it
 * looks for. It stops in the function, and reads the list. */

#include <stdlib.h>

#include "sink.h"

enum action {
    NOTHING,
    REGISTERED,
    UNREGISTERED,
};

/* gdb reads what comes before the bytes. */
struct vmp_gdb_entry {
    struct vmp_gdb_entry *next, *previous;
    const void *object;
    uint64_t size;
};

struct jit_descriptor {
    uint32_t version;
    uint32_t action; /* enum action */
    struct vmp_gdb_entry *relevant, *first;
};

extern struct jit_descriptor __jit_debug_descriptor;
struct jit_descriptor __jit_debug_descriptor
    __attribute__((used)) = { .version = 1 };

void
__jit_debug_register_code(void);

__attribute__((noinline, used)) void
__jit_debug_register_code(void)
{
    __asm__ volatile("" : : : "memory");
}

static void
tell(struct vmp_gdb_entry *entry, enum action action)
{
    __jit_debug_descriptor.relevant = entry;
    __jit_debug_descriptor.action = action;
    __jit_debug_register_code();
    __jit_debug_descriptor.relevant = NULL;
    __jit_debug_descriptor.action = NOTHING;
}

struct vmp_gdb_entry *
vmp_gdb_add(struct vmp_bytes *object)
{
    struct vmp_gdb_entry *const entry = calloc(1, sizeof(*entry));

    if (!entry || object->is_short) {
        vmp_bytes_free(object);
        free(entry);
        return NULL;
    }
    entry->object = object->data;
    entry->size = object->size;
    *object = (struct vmp_bytes){ 0 };
    entry->next = __jit_debug_descriptor.first;
    if (entry->next)
        entry->next->previous = entry;
    __jit_debug_descriptor.first = entry;
    tell(entry, REGISTERED);
    return entry;
}

void
vmp_gdb_remove(struct vmp_gdb_entry *entry)
{
    if (!entry)
        return;
    if (entry->previous)
        entry->previous->next = entry->next;
    else
        __jit_debug_descriptor.first = entry->next;
    if (entry->next)
        entry->next->previous = entry->previous;
    tell(entry, UNREGISTERED);
    free((void *)(uintptr_t)entry->object);
    free(entry);
}
