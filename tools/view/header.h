/* SPDX-License-Identifier: MIT */

/* What the page says about the profile as a whole. */
#ifndef VIEW_HEADER_H
#define VIEW_HEADER_H

#include "../export/export.h"

/* Members of a JSON object, without a comma at the end. */
void
write_header(const struct export_job *job, FILE *out);

#endif
