/* SPDX-License-Identifier: MIT */

/* Memory that is there, or the end of the program. */
#ifndef TOY_MEMORY_H
#define TOY_MEMORY_H

#include <stddef.h>

/* Zeroed. Never NULL; freed with free(). */
void *
allocate(size_t size);

/* An array with room for one more than count; *capacity is kept up to date. */
void *
make_room(void *array, size_t count, size_t *capacity, size_t item_size);

#endif
