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
/* With what is about to be kept. A fork in between leaves the child with less room. */
static atomic_size_t bytes_kept[VMP_SPARE_KINDS];

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

static bool
make_room(enum vmp_spare_kind kind, size_t size)
{
    const size_t most = most_bytes(),
                 before = atomic_fetch_add(&bytes_kept[kind], size);

    if (before <= most && size <= most - before)
        return true;
    atomic_fetch_sub(&bytes_kept[kind], size);
    return false;
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
take(enum vmp_spare_kind kind, unsigned i)
{
    _Atomic(struct spare *) *const place = &spares[kind][i];
    struct spare *const spare =
        atomic_load(place) ? atomic_exchange(place, NULL) : NULL;

    if (spare)
        atomic_fetch_sub(&bytes_kept[kind], spare->size);
    return spare;
}

void *
vmp_spare_take(enum vmp_spare_kind kind, size_t size)
{
    for (unsigned i = 0; i < VMP_MOST_SPARES; i++) {
        const struct spare *const spare = take(kind, i);

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

static bool
put(enum vmp_spare_kind kind, struct spare *spare)
{
    for (unsigned i = 0; i < VMP_MOST_SPARES; i++) {
        struct spare *none = NULL;

        if (!atomic_load(&spares[kind][i]) &&
            atomic_compare_exchange_strong(&spares[kind][i], &none, spare))
            return true;
    }
    return false;
}

bool
vmp_spare_give(enum vmp_spare_kind kind, void *map, size_t size, size_t guard)
{
    struct spare *const spare = (void *)((char *)map + guard);

    if (is_locked(map, size, guard) || !make_room(kind, size))
        return false;
    *spare = (struct spare){ map, size };
    if (put(kind, spare))
        return true;
    atomic_fetch_sub(&bytes_kept[kind], size);
    return false;
}

bool
vmp_spares_drop(enum vmp_spare_kind kind)
{
    bool dropped = false;

    for (unsigned i = 0; i < VMP_MOST_SPARES; i++) {
        const struct spare *const spare = take(kind, i);

        if (spare)
            munmap(spare->map, spare->size);
        dropped |= spare != NULL;
    }
    return dropped;
}
