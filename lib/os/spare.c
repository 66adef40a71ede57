/* SPDX-License-Identifier: MIT */

#include "spare.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    SHARE = 64, /* of what is limited */
};

/* What the first bytes are that may be touched, as long as it is kept. */
struct spare {
    void *map;
    size_t size;
};

static _Atomic(struct spare *) spares[VMP_SPARE_KINDS][VMP_MOST_SPARES];
/* Of those that are there, or are about to be. */
static atomic_size_t sizes[VMP_SPARE_KINDS][VMP_MOST_SPARES];

static size_t
share_of(int got, const struct rlimit *limit)
{
    /* RLIM_INFINITY is more than any. */
    return got == 0 && limit->rlim_cur / SHARE < VMP_MOST_SPARE_BYTES
               ? (size_t)(limit->rlim_cur / SHARE)
               : VMP_MOST_SPARE_BYTES;
}

/* Both count what is kept. */
static size_t
most_bytes(void)
{
    struct rlimit space, data;
    const size_t of_space = share_of(getrlimit(RLIMIT_AS, &space), &space),
                 of_data = share_of(getrlimit(RLIMIT_DATA, &data), &data);

    return of_space < of_data ? of_space : of_data;
}

static size_t
bytes_kept(enum vmp_spare_kind kind)
{
    size_t sum = 0;

    for (unsigned i = 0; i < VMP_MOST_SPARES; i++)
        if (atomic_load(&spares[kind][i]))
            sum += atomic_load(&sizes[kind][i]);
    return sum;
}

/* Then all of it is in memory, and stays there. A page in the middle is one that
 * was hardly touched. */
static bool
is_locked(char *map, size_t size, size_t guard)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *const middle = map + guard + (size - guard) / 2;

    return madvise(middle - ((uintptr_t)middle & (page - 1)), page,
                   MADV_DONTNEED) < 0;
}

static struct spare *
take(_Atomic(struct spare *) *place)
{
    return atomic_load(place) ? atomic_exchange(place, NULL) : NULL;
}

void *
vmp_spare_take(enum vmp_spare_kind kind, size_t size)
{
    for (unsigned i = 0; i < VMP_MOST_SPARES; i++) {
        const struct spare *const spare = take(&spares[kind][i]);

        if (spare && spare->size == size)
            return spare->map;
        if (spare)
            munmap(spare->map, spare->size);
    }
    return NULL;
}

static bool
drop_all(void)
{
    bool dropped = false;

    for (unsigned kind = 0; kind < VMP_SPARE_KINDS; kind++)
        dropped |= vmp_spares_drop((enum vmp_spare_kind)kind);
    return dropped;
}

void *
vmp_spare_map(size_t size)
{
    void *map;

    do
        map = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    while (map == MAP_FAILED && drop_all());
    return map == MAP_FAILED ? NULL : map;
}

bool
vmp_spare_give(enum vmp_spare_kind kind, void *map, size_t size, size_t guard)
{
    struct spare *const spare = (void *)((char *)map + guard);

    const size_t most = most_bytes();

    if (size > most || bytes_kept(kind) > most - size ||
        is_locked(map, size, guard))
        return false;
    *spare = (struct spare){ map, size };
    for (unsigned i = 0; i < VMP_MOST_SPARES; i++) {
        struct spare *none = NULL;

        if (atomic_load(&spares[kind][i]))
            continue;
        atomic_store(&sizes[kind][i], size);
        if (atomic_compare_exchange_strong(&spares[kind][i], &none, spare))
            return true;
    }
    return false;
}

bool
vmp_spares_drop(enum vmp_spare_kind kind)
{
    bool dropped = false;

    for (unsigned i = 0; i < VMP_MOST_SPARES; i++) {
        const struct spare *const spare = take(&spares[kind][i]);

        if (spare)
            munmap(spare->map, spare->size);
        dropped |= spare != NULL;
    }
    return dropped;
}
