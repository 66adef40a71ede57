/* SPDX-License-Identifier: MIT */

/* Traces for other tools. */

#include "sinks.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <vmprof/jit_sinks.h>

#include "../../../sized.h"
#include "../../code.h"
#include "../../fork.h"
#include "../../lock.h"
#include "dynamic.h"
#include "sink.h"

enum {
    OPTIONS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_jit_sink_options, directory),
    ALL = VMPROF_SINK_PERF_MAP | VMPROF_SINK_JITDUMP | VMPROF_SINK_GDB |
          VMPROF_SINK_UNWIND,
    MOST_DIRECTORY = VMP_SINK_PATH_SIZE - 32,
};

/* A trace that sinks were told of. */
struct entry {
    vmprof_jit_id id;
    struct vmp_told *told;
    uint32_t first_line;
    struct vmp_gdb_entry *gdb;
    struct vmp_bytes eh_frame;
    struct vmp_dynamic *dynamic;
    UT_hash_handle hh;
};

/* Under the lock. */
static struct {
    uint64_t sinks;
    struct vmp_sink_file map, listing;
    uint32_t lines; /* in the listing */
    struct vmp_jitdump dump;
    struct entry *entries;
    int error;
} state;

atomic_bool vmp_sinks_open;
static struct vmp_lock lock = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void
vmp_sinks_lock(void)
{
    vmp_lock(&lock);
}

void
vmp_sinks_unlock(void)
{
    vmp_unlock(&lock);
}

/* What tools that read words and lines take for one name. */
static void
clean(char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name <= ' ' || *name == 0x7f)
            *name = '_';
}

/* The function of "class:function:line:file". */
static void
name_of_code(vmprof_code_id id, char *to, size_t size)
{
    char full[VMPROF_NAME_SIZE];
    const char *function = full;
    size_t length;

    full[vmp_code_name(id, full)] = 0;
    if (strchr(full, ':'))
        function = strchr(full, ':') + 1;
    length = strcspn(function, ":");
    snprintf(to, size, "%.*s", (int)length, function);
}

static void
name_trace(struct vmp_sunk *sunk)
{
    static const char *const kinds[] = {
        "trace", "loop", "entry_bridge", "bridge", "method", "stub",
    };
    const struct vmprof_trace *const trace = sunk->trace;
    char code[VMPROF_NAME_SIZE] = "";

    if (trace->name) {
        snprintf(sunk->name, sizeof(sunk->name), "%s", trace->name);
    } else {
        if (trace->code)
            name_of_code(trace->code, code, sizeof(code));
        snprintf(sunk->name, sizeof(sunk->name), "%s_%u%s%.900s",
                 kinds[trace->kind <= VMPROF_TRACE_STUB ? trace->kind : 0],
                 sunk->id, *code ? "_" : "", code);
    }
    clean(sunk->name);
}

/* Each operation is a line. */
static uint32_t
list_operations(const struct vmp_sunk *sunk)
{
    const struct vmprof_trace *const trace = sunk->trace;
    struct vmp_bytes text = { 0 };
    uint32_t first;

    if (!state.listing.is_open || !trace->operation_count)
        return 0;
    vmp_bytes_put(&text, "# ", 2);
    vmp_bytes_put(&text, sunk->name, strlen(sunk->name));
    vmp_bytes_u8(&text, '\n');
    for (uint64_t i = 0; i < trace->operation_count; i++) {
        const char *const line = trace->operations[i].text;

        for (const char *c = line; c && *c; c++)
            vmp_bytes_u8(&text,
                         (unsigned char)*c < ' ' ? ' ' : (unsigned char)*c);
        vmp_bytes_u8(&text, '\n');
    }
    if (text.is_short)
        state.error = ENOMEM;
    else
        vmp_sink_file_write(&state.listing, text.data, text.size);
    first = text.is_short ? 0 : state.lines + 2;
    state.lines += text.is_short ? 0 : (uint32_t)trace->operation_count + 1;
    vmp_bytes_free(&text);
    return first;
}

static void
tell_map(const struct vmp_sunk *sunk)
{
    char line[VMP_SINK_NAME_SIZE + 64];
    const int size = snprintf(line, sizeof(line), "%llx %llx %s\n",
                              (unsigned long long)sunk->address,
                              (unsigned long long)sunk->length, sunk->name);

    vmp_sink_file_write(&state.map, line, (size_t)size);
}

static void
tell_gdb(struct entry *entry, const struct vmp_sunk *sunk)
{
    struct vmp_bytes object = { 0 };

    vmp_sink_object(&object, sunk, state.listing.path);
    entry->gdb = vmp_gdb_add(&object);
    if (!entry->gdb)
        state.error = ENOMEM;
}

static void
tell_unwinders(struct entry *entry, const struct vmp_sunk *sunk)
{
    vmp_sink_eh_frame(&entry->eh_frame, sunk);
    if (entry->eh_frame.is_short) {
        state.error = ENOMEM;
        vmp_bytes_free(&entry->eh_frame);
    } else if (entry->eh_frame.size) {
        vmp_unwinders_add(entry->eh_frame.data);
    }
    if (vmp_dynamic_add(&entry->dynamic, sunk) < 0)
        state.error = ENOMEM;
}

static void
place(struct entry *entry, const void *address)
{
    struct vmp_sunk sunk = {
        .id = entry->id,
        .trace = &entry->told->is,
        .address = (uintptr_t)address,
        .length = (uintptr_t)entry->told->is.length,
    };

    if (!address || !sunk.length)
        return;
    name_trace(&sunk);
    if (!entry->first_line)
        entry->first_line = list_operations(&sunk);
    sunk.first_line = entry->first_line;
    if (state.map.is_open)
        tell_map(&sunk);
    if (state.dump.file.is_open)
        vmp_jitdump_add(&state.dump, &sunk, state.listing.path);
    if (state.sinks & VMPROF_SINK_GDB)
        tell_gdb(entry, &sunk);
    if (state.sinks & VMPROF_SINK_UNWIND)
        tell_unwinders(entry, &sunk);
}

static void
withdraw(struct entry *entry)
{
    vmp_gdb_remove(entry->gdb);
    entry->gdb = NULL;
    if (entry->eh_frame.size)
        vmp_unwinders_remove(entry->eh_frame.data);
    vmp_bytes_free(&entry->eh_frame);
    vmp_dynamic_remove(entry->dynamic);
    entry->dynamic = NULL;
}

static void
forget(struct entry *entry)
{
    withdraw(entry);
    HASH_DEL(state.entries, entry);
    vmp_told_free(entry->told);
    free(entry);
}

static struct entry *
find(vmprof_jit_id id)
{
    struct entry *entry;

    HASH_FIND(hh, state.entries, &id, sizeof(id), entry);
    return entry;
}

/* NULL: no memory. */
static struct entry *
add(vmprof_jit_id id, struct vmp_told *told)
{
    struct entry *const entry = calloc(1, sizeof(*entry));

    if (!entry)
        return NULL;
    entry->id = id;
    entry->told = told;
    HASH_ADD(hh, state.entries, id, sizeof(id), entry);
    if (entry->hh.tbl)
        return entry;
    free(entry);
    return NULL;
}

void
vmp_sinks_place(vmprof_jit_id id, struct vmp_told *told, const void *address)
{
    struct entry *entry;

    vmp_sinks_lock();
    entry = find(id);
    if (entry)
        forget(entry);
    entry = state.sinks ? add(id, told) : NULL;
    if (entry) {
        place(entry, address);
    } else {
        state.error = state.sinks ? ENOMEM : 0;
        vmp_told_free(told);
    }
    vmp_sinks_unlock();
}

void
vmp_sinks_move(vmprof_jit_id id, const void *address)
{
    struct entry *entry;

    vmp_sinks_lock();
    entry = find(id);
    if (entry) {
        withdraw(entry);
        place(entry, address);
    }
    vmp_sinks_unlock();
}

void
vmp_sinks_remove(vmprof_jit_id id)
{
    struct entry *entry;

    vmp_sinks_lock();
    entry = find(id);
    if (entry)
        forget(entry);
    vmp_sinks_unlock();
}

static void
close_files(void)
{
    vmp_sink_file_close(&state.map);
    vmp_sink_file_close(&state.listing);
    vmp_jitdump_close(&state.dump);
}

/* Of the parent's files nothing is written: not what is said at their end. */
void
vmp_sinks_leave_to_parent(void)
{
    vmp_sink_file_close(&state.map);
    vmp_sink_file_close(&state.listing);
    vmp_sink_file_close(&state.dump.file);
    state.sinks &= ~(uint64_t)(VMPROF_SINK_PERF_MAP | VMPROF_SINK_JITDUMP);
    vmp_sinks_unlock();
}

static int
check(const struct vmprof_jit_sink_options *options)
{
    if (!options->sinks || options->sinks & ~(uint64_t)ALL)
        return -EINVAL;
    if (options->directory && (*options->directory != '/' ||
                               strlen(options->directory) > MOST_DIRECTORY))
        return -EINVAL;
    if (options->sinks & VMPROF_SINK_GDB && !vmp_sink_knows_machine())
        return -ENOTSUP;
    if (!(options->sinks & VMPROF_SINK_UNWIND))
        return 0;
    vmp_dynamic_find();
    return vmp_unwinders_find();
}

static int
open_files(uint64_t sinks, const char *directory)
{
    int r = 0;

    if (sinks & VMPROF_SINK_PERF_MAP)
        r = vmp_sink_file_new(&state.map, directory, "perf-", "map");
    if (r == 0 && sinks & (VMPROF_SINK_JITDUMP | VMPROF_SINK_GDB))
        r = vmp_sink_file_new(&state.listing, directory, "jit-", "ops");
    if (r == 0 && sinks & VMPROF_SINK_JITDUMP)
        r = vmp_jitdump_open(&state.dump, directory);
    return r;
}

int
vmprof_open_jit_sinks(const struct vmprof_jit_sink_options *given)
{
    struct vmprof_jit_sink_options options;
    int r = given ? vmp_sized_import(&options, sizeof(options),
                                     OPTIONS_SIZE_0_1, given)
                  : -EINVAL;

    if (r == 0)
        r = check(&options);
    if (r < 0)
        return r;
    vmp_fork_prepare();
    vmp_sinks_lock();
    if (state.sinks) {
        vmp_sinks_unlock();
        return -EALREADY;
    }
    memset(&state, 0, sizeof(state));
    r = open_files(options.sinks,
                   options.directory ? options.directory : "/tmp");
    if (r < 0)
        close_files();
    else
        state.sinks = options.sinks;
    atomic_store(&vmp_sinks_open, r == 0);
    vmp_sinks_unlock();
    return r;
}

int
vmprof_close_jit_sinks(void)
{
    struct entry *entry, *next;
    int r = 0;

    vmp_sinks_lock();
    if (!atomic_exchange(&vmp_sinks_open, false))
        r = -EALREADY;
    HASH_ITER(hh, state.entries, entry, next)
    forget(entry);
    close_files();
    if (r == 0 && (state.error || state.map.error || state.listing.error ||
                   state.dump.file.error))
        r = -EIO;
    state.sinks = 0;
    vmp_sinks_unlock();
    return r;
}
