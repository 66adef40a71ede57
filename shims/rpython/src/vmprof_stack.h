/* SPDX-License-Identifier: MIT */

/* In place of RPython's own, for the C files that include it by this name. */
#pragma once

#include <vmprof/rvmprof_hooks.h>
