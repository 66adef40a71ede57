/* SPDX-License-Identifier: MIT */

#include "spare.h"

#include <sys/mman.h>
#include <sys/resource.h>

enum {
    SHARE = 64, /* of a limited address space */
};

/* What the first bytes are that may be touched, as long as it is kept. */
struct spare {
    void *map;
    size_t size;
};

static _Atomic(struct spare *) spares[VMP_SPARE_KINDS][VMP_MOST_SPARES];

/* How many of a size are enough. */
static size_t
enough(size_t size)
{
    struct rlimit limit;
    size_t most = VMP_MOST_SPARE_BYTES;

    /* RLIM_INFINITY is more than any. */
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur / SHARE < most)
        most = (size_t)(limit.rlim_cur / SHARE);
    return most / size < VMP_MOST_SPARES ? most / size : VMP_MOST_SPARES;
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
    const size_t most = enough(size);

    *spare = (struct spare){ map, size };
    for (size_t i = 0; i < most; i++) {
        struct spare *none = NULL;

        if (!atomic_load(&spares[kind][i]) &&
            atomic_compare_exchange_strong(&spares[kind][i], &none, spare))
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
