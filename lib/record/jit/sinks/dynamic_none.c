/* SPDX-License-Identifier: MIT */

#include "dynamic.h"

void
vmp_dynamic_find(void)
{
}

int
vmp_dynamic_add(struct vmp_dynamic **entry, const struct vmp_sunk *sunk)
{
    (void)sunk;
    *entry = NULL;
    return 0;
}

void
vmp_dynamic_remove(struct vmp_dynamic *entry)
{
    (void)entry;
}
