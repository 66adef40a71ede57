/* SPDX-License-Identifier: MIT */

/* What a mapped ELF file says of itself. The writer's alone. */
#ifndef VMP_IMAGE_H
#define VMP_IMAGE_H

#include "modules.h"

/* Fill in bias, unwind table and build id from the ELF header that the module's
 * image begins with; as far as that says. */
void
vmp_image_read(struct vmp_module *module, struct vmp_reader *reader);

#endif
