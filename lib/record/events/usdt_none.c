/* SPDX-License-Identifier: MIT */

/* Built without <sys/sdt.h>: there are no probes. */

#include "usdt.h"

void
vmp_usdt_check(void)
{
}
