/* SPDX-License-Identifier: MIT */

/* Memory of this process that may be gone: reading it without a fault. */
#ifndef VMP_OWN_MEMORY_H
#define VMP_OWN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False if it is not readable, all of it. */
bool
vmp_own_memory_read(uint64_t address, void *to, size_t size);

#endif
