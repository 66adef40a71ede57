/* SPDX-License-Identifier: MIT */

/* The page around its data; embed.py makes the two at build time. */
#ifndef VIEW_PAGE_H
#define VIEW_PAGE_H

#include <stddef.h>

extern const char page_before_data[], page_after_data[];
extern const size_t page_before_data_size, page_after_data_size;

#endif
