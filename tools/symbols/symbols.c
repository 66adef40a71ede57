/* SPDX-License-Identifier: MIT */

/* Which file or map an address belongs to; each is opened once. */
#include "symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"
#include "intern.h"
#include "perf_map.h"
#include "progress.h"

struct note {
    char *path;
    const char *reason;
};

struct symbols {
    struct vmp_intern file_ids; /* (path, build id), as the profile has them */
    struct elf_file **files;    /* NULL: not used */
    uint32_t file_capacity;
    struct vmp_intern map_ids; /* by process */
    struct perf_map **maps;
    uint32_t map_capacity;
    struct note *notes;
    uint32_t note_count, note_capacity;
    struct progress progress;
    struct symbol_list list;
};

/* Make room for member `number` of an array. */
static int
make_room(void *array, uint32_t *capacity, uint32_t number, size_t size)
{
    void **place = array;
    const uint32_t more = *capacity ? *capacity * 2 : 16;
    void *bigger;

    if (number < *capacity)
        return 0;
    bigger = reallocarray(*place, more, size);
    if (!bigger)
        return -ENOMEM;
    *place = bigger;
    *capacity = more;
    return 0;
}

static int
add_note(struct symbols *symbols, const char *path, const char *reason)
{
    struct note *note;

    if (make_room(&symbols->notes, &symbols->note_capacity, symbols->note_count,
                  sizeof(*symbols->notes)))
        return -ENOMEM;
    note = &symbols->notes[symbols->note_count];
    *note = (struct note){ strdup(path ? path : "?"), reason };
    if (!note->path)
        return -ENOMEM;
    symbols->note_count++;
    return 0;
}

struct symbols *
symbols_open(void)
{
    struct symbols *symbols = calloc(1, sizeof(*symbols));

    /* A profile must not make this machine ask a server for files. */
    unsetenv("DEBUGINFOD_URLS");
    if (symbols)
        symbols->progress.enabled = isatty(STDERR_FILENO);
    return symbols;
}

/* Sets `file`; NULL: there is none to be used. */
static int
find_file(struct symbols *symbols, const struct profile *profile,
          const struct module *module, struct elf_file **file)
{
    const char *reason = NULL;
    bool is_new;
    int64_t number;

    if (make_room(&symbols->files, &symbols->file_capacity,
                  symbols->file_ids.count, sizeof(*symbols->files)))
        return -ENOMEM;
    number = vmp_intern(&symbols->file_ids, (uintptr_t)module->path,
                        (uintptr_t)module->build_id, &is_new);
    if (number < 0)
        return -ENOMEM;
    if (is_new)
        symbols->files[number] =
            elf_file_open(module->path, module->build_id,
                          profile->sessions[module->session].unix_ns, &reason);
    *file = symbols->files[number];
    return reason ? add_note(symbols, module->path, reason) : 0;
}

static int
find_map(struct symbols *symbols, uint64_t pid, struct perf_map **map)
{
    const char *reason = NULL;
    char *path = NULL;
    bool is_new;
    int64_t number;
    int result = 0;

    if (make_room(&symbols->maps, &symbols->map_capacity,
                  symbols->map_ids.count, sizeof(struct perf_map *)))
        return -ENOMEM;
    number = vmp_intern(&symbols->map_ids, pid, 0, &is_new);
    if (number < 0)
        return -ENOMEM;
    if (is_new)
        symbols->maps[number] = perf_map_open(pid, &path, &reason);
    *map = symbols->maps[number];
    if (reason)
        result = add_note(symbols, path, reason);
    free(path);
    return result;
}

static int
find_in_map(struct symbols *symbols, uint64_t pid, uint64_t address)
{
    struct perf_map *map;
    const int result = find_map(symbols, pid, &map);
    const char *name = result || !map ? NULL : perf_map_find(map, address);

    symbols->list.count = name != NULL;
    if (name)
        symbols->list.symbols[0] = (struct symbol){
            .function = name, .file = "", .at_file = "", .jit = true
        };
    return result;
}

static int
find_in_file(struct symbols *symbols, const struct profile *profile,
             const struct module *module, uint64_t address)
{
    struct elf_file *file;
    const int result = find_file(symbols, profile, module, &file);

    symbols->list.count = 0;
    if (result || !file)
        return result;
    return elf_file_find(file, address, &symbols->list);
}

int
symbols_find(void *user, const struct profile *profile, uint32_t session,
             uint32_t module, uint64_t address, const struct symbol **found)
{
    struct symbols *symbols = user;
    int result;

    progress_step(&symbols->progress);
    if (module == 0 || !*profile->modules[module].path)
        result = find_in_map(symbols, profile->sessions[session].pid, address);
    else
        result =
            find_in_file(symbols, profile, &profile->modules[module], address);
    *found = symbols->list.symbols;
    return result ? result : (int)symbols->list.count;
}

void
symbols_done(struct symbols *symbols)
{
    progress_end(&symbols->progress);
}

const char *
symbols_note(const struct symbols *symbols, unsigned number,
             const char **reason)
{
    if (number >= symbols->note_count)
        return NULL;
    *reason = symbols->notes[number].reason;
    return symbols->notes[number].path;
}

void
symbols_close(struct symbols *symbols)
{
    if (!symbols)
        return;
    for (uint32_t i = 0; i < symbols->file_ids.count; i++)
        elf_file_close(symbols->files[i]);
    for (uint32_t i = 0; i < symbols->map_ids.count; i++)
        perf_map_close(symbols->maps[i]);
    for (uint32_t i = 0; i < symbols->note_count; i++)
        free(symbols->notes[i].path);
    free(symbols->files);
    free(symbols->maps);
    free(symbols->notes);
    vmp_intern_free(&symbols->file_ids);
    vmp_intern_free(&symbols->map_ids);
    free(symbols);
}
