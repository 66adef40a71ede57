/* SPDX-License-Identifier: MIT */

#include "spare.h"

#include <stdint.h>
#include <sys/mman.h>

/* How many, of all that there is room for: 64 MiB of 32 bits. */
static unsigned
enough(size_t size)
{
    const size_t most = SIZE_MAX / 64 / size;

    return most < VMP_MOST_SPARES ? (unsigned)most : VMP_MOST_SPARES;
}

static size_t *
take(struct vmp_spares *spares, unsigned i)
{
    return atomic_load(&spares->maps[i])
               ? atomic_exchange(&spares->maps[i], NULL)
               : NULL;
}

void *
vmp_spare_take(struct vmp_spares *spares, size_t size)
{
    for (unsigned i = 0; i < VMP_MOST_SPARES; i++) {
        size_t *const map = take(spares, i);

        if (map && *map == size)
            return map;
        if (map)
            munmap(map, *map);
    }
    return NULL;
}

bool
vmp_spare_give(struct vmp_spares *spares, void *map, size_t size)
{
    const unsigned most = enough(size);

    *(size_t *)map = size;
    for (unsigned i = 0; i < most; i++) {
        size_t *none = NULL;

        if (!atomic_load(&spares->maps[i]) &&
            atomic_compare_exchange_strong(&spares->maps[i], &none, map))
            return true;
    }
    return false;
}

void
vmp_spares_drop(struct vmp_spares *spares)
{
    for (unsigned i = 0; i < VMP_MOST_SPARES; i++) {
        size_t *const map = take(spares, i);

        if (map)
            munmap(map, *map);
    }
}
