/* SPDX-License-Identifier: MIT */

#include "dynamic.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

/* What libunwind's names for this machine are. */
#define NAME_AS_IS(name) #name
#define NAME(name)       NAME_AS_IS(name)

/* The table refers to the rules by 32 bits from the code, so they are put near
 * it, each in memory of its own. */
struct vmp_dynamic {
    unw_dyn_info_t info;
    struct {
        int32_t code, rules;
    } table;
    unsigned char eh_frame[];
};

enum {
    TRIES = 64,
    STEP = 16 << 20,
    REACH = 1 << 30,
};

static void (*register_info)(unw_dyn_info_t *info);
static void (*cancel_info)(unw_dyn_info_t *info);
static void (*flush)(unw_addr_space_t space, unw_word_t low, unw_word_t high);
static unw_addr_space_t *space;

void
vmp_dynamic_find(void)
{
    *(void **)&register_info = dlsym(RTLD_DEFAULT, "_U_dyn_register");
    *(void **)&cancel_info = dlsym(RTLD_DEFAULT, "_U_dyn_cancel");
    *(void **)&flush = dlsym(RTLD_DEFAULT, NAME(unw_flush_cache));
    *(void **)&space = dlsym(RTLD_DEFAULT, NAME(unw_local_addr_space));
}

static size_t
mapped_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void *
map_at(uintptr_t hint)
{
    void *const map = mmap((void *)hint, mapped_size(), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return map == MAP_FAILED ? NULL : map;
}

static bool
is_near(const void *map, uintptr_t address)
{
    const intptr_t distance = (intptr_t)((uintptr_t)map - address);

    return distance < REACH && distance > -(intptr_t)REACH;
}

/* What the kernel gives first is near code that it gave, too. */
static struct vmp_dynamic *
map_near(uintptr_t address)
{
    const uintptr_t page = address & ~(uintptr_t)(mapped_size() - 1);

    for (uintptr_t i = 0; i < TRIES; i++) {
        void *const map = map_at(i ? page + i * STEP : 0);

        if (map && is_near(map, address))
            return map;
        if (map)
            munmap(map, mapped_size());
    }
    return NULL;
}

/* The second entry, behind that which it shares with others. */
static size_t
offset_of_rules(const unsigned char *eh_frame)
{
    uint32_t length;

    memcpy(&length, eh_frame, sizeof(length));
    return length + sizeof(length);
}

static void
fill(struct vmp_dynamic *entry, const struct vmp_sunk *sunk)
{
    const uintptr_t rules =
        (uintptr_t)entry->eh_frame + offset_of_rules(entry->eh_frame);

    entry->table.code = 0;
    entry->table.rules = (int32_t)(intptr_t)(rules - sunk->address);
    entry->info.format = UNW_INFO_FORMAT_REMOTE_TABLE;
    entry->info.start_ip = sunk->address;
    entry->info.end_ip = sunk->address + sunk->length;
    entry->info.u.rti.segbase = sunk->address;
    entry->info.u.rti.table_len = sizeof(entry->table) / sizeof(unw_word_t);
    entry->info.u.rti.table_data = (uintptr_t)&entry->table;
}

int
vmp_dynamic_add(struct vmp_dynamic **entry, const struct vmp_sunk *sunk)
{
    struct vmp_bytes rules = { 0 };
    struct vmp_dynamic *added = NULL;

    *entry = NULL;
    if (!register_info || !cancel_info || !flush || !space)
        return 0;
    vmp_sink_eh_frame(&rules, sunk);
    if (rules.size && !rules.is_short &&
        sizeof(*added) + rules.size <= mapped_size())
        added = map_near(sunk->address);
    if (added) {
        memcpy(added->eh_frame, rules.data, rules.size);
        fill(added, sunk);
        register_info(&added->info);
    }
    *entry = added;
    vmp_bytes_free(&rules);
    return added || (!rules.size && !rules.is_short) ? 0 : -ENOMEM;
}

void
vmp_dynamic_remove(struct vmp_dynamic *entry)
{
    if (!entry)
        return;
    cancel_info(&entry->info);
    /* It remembers rules by address, and other code may come there. */
    flush(*space, entry->info.start_ip, entry->info.end_ip);
    munmap(entry, mapped_size());
}
