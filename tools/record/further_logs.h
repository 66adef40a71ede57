/* SPDX-License-Identifier: MIT */

/* A vmprof log is of one process: the others have files of their own. */
#ifndef RECORD_FURTHER_LOGS_H
#define RECORD_FURTHER_LOGS_H

#include <time.h>

/* Say on stderr which files beside `path` were written since then. */
void
further_logs_tell(const char *path, const struct timespec *since);

#endif
