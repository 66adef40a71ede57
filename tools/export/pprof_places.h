/* SPDX-License-Identifier: MIT */

/* What pprof calls locations: the places of frames, their functions, and the
 * files they are mapped from. */
#ifndef EXPORT_PPROF_PLACES_H
#define EXPORT_PPROF_PLACES_H

#include "../analyse/extra.h"
#include "fold.h"
#include "pprof_file.h"

struct pprof_places {
    const struct profile *profile;
    struct functions functions;
    struct dense files;    /* of lines that are not in their function's file */
    struct dense shown;    /* function and file: what pprof calls a function */
    struct dense places;   /* a location is its number + 1 */
    struct dense mappings; /* modules that are used */
};

/* Returns 0 or -ENOMEM. */
int
pprof_places_open(struct pprof_places *places, const struct profile *profile);

/* The number of a frame's place, or that of time without frames. */
uint32_t
pprof_place(struct pprof_places *places, const struct frame *frame,
            uint32_t number);
uint32_t
pprof_extra_place(struct pprof_places *places, enum extra extra);

/* Locations, functions and mappings; `title` is that of what has no module. */
void
pprof_places_write(struct pprof_places *places, struct pprof_file *file,
                   const char *title);

void
pprof_places_free(struct pprof_places *places);

#endif
