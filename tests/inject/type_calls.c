/* SPDX-License-Identifier: MIT */

/* Reading out what was counted of bytecodes, and keeping it for a later run. */

#include "counted.h"

#include <errno.h>

VMPROF_API void
exported_info_init(struct vmprof_type_profile_info *info)
    IN_LIBRARY(vmprof_type_profile_info_init);
VMPROF_API void
exported_row_init(struct vmprof_type_row *row) IN_LIBRARY(vmprof_type_row_init);
VMPROF_API void
exported_origin_init(struct vmprof_type_origin *origin)
    IN_LIBRARY(vmprof_type_origin_init);

enum {
    WRITTEN_MOST = 4096,
};

static const char version[] = "1";

static struct vmprof_type_profile *profile;
static struct vmprof_loaded_profile *loaded;
static unsigned char written[WRITTEN_MOST];
static size_t written_size;

static int
keep(void *user, const void *data, size_t size)
{
    (void)user;
    if (size > WRITTEN_MOST - written_size)
        return -ENOSPC;
    memcpy(written + written_size, data, size);
    written_size += size;
    return 0;
}

/* A hit that is taken by what is stepped through is in no later result. */
static void
require_nothing_left(struct world *w)
{
    struct vmprof_type_profile *const rest = take_profile();

    (void)w;
    require(profile_info(rest).hits == 0);
    vmprof_free_type_profile(rest);
}

static void
hit(struct world *w)
{
    prepare(w);
    require(vmprof_set_profile_interp(1) == 0);
    vmprof_count_bytecode(w->thread, counted, OFFSET, OPCODE_ONE, &number);
    require(vmprof_set_profile_interp(0) == 1);
    w->check = require_nothing_left;
}

static void
require_profile(struct world *w)
{
    require_nothing_left(w);
    require(profile_info(profile).hits == 1);
    require(find_row(profile, counted, OFFSET).typed == 1);
    vmprof_free_type_profile(profile);
}

static void
hit_to_take(struct world *w)
{
    hit(w);
    w->check = require_profile;
}

static void
take_first(struct world *w)
{
    hit(w);
    profile = take_profile();
    w->check = require_profile;
}

static void
take_first_to_free(struct world *w)
{
    take_first(w);
    w->check = require_nothing_left;
}

static intptr_t
take(struct world *w)
{
    (void)w;
    return vmprof_get_and_clear_type_profiles(&profile);
}

static intptr_t
clear(struct world *w)
{
    (void)w;
    return vmprof_clear_type_profiles();
}

static intptr_t
get_info_and_row(struct world *w)
{
    struct vmprof_type_profile_info info;
    struct vmprof_type_row row;

    (void)w;
    exported_info_init(&info);
    exported_row_init(&row);
    if (vmprof_get_type_profile_info(profile, &info) < 0 ||
        vmprof_get_type_row(profile, 0, &row) != 1)
        return -1;
    return (intptr_t)(100 * info.rows + 10 * info.hits + row.typed);
}

static intptr_t
free_profile(struct world *w)
{
    (void)w;
    vmprof_free_type_profile(profile);
    return 0;
}

static void
require_a_line(struct world *w)
{
    require_profile(w);
    require(written_size && written[0] == '{' &&
            written[written_size - 1] == '\n');
}

static void
take_first_to_write(struct world *w)
{
    take_first(w);
    w->check = require_a_line;
}

static intptr_t
write_rows(struct world *w)
{
    struct vmprof_type_origin origin;

    (void)w;
    exported_origin_init(&origin);
    origin.host = "h";
    return vmprof_write_type_rows(profile, &origin, keep, NULL);
}

static void
load_written(void)
{
    require(vmprof_load_type_profile(written, written_size, version, &loaded) ==
            0);
}

static intptr_t
find_site(struct world *w)
{
    struct vmprof_type_row row;
    int r;

    (void)w;
    vmprof_type_row_init(&row);
    r = vmprof_find_loaded_site(loaded, counted, OFFSET, &row);
    return r < 0 ? r : (intptr_t)(r * 100 + (intptr_t)row.typed);
}

static void
require_loaded(struct world *w)
{
    require_profile(w);
    require(find_site(w) == 101);
    vmprof_free_loaded_profile(loaded);
}

static void
require_saved(struct world *w)
{
    load_written();
    require_loaded(w);
}

static void
take_first_to_save(struct world *w)
{
    take_first(w);
    w->check = require_saved;
}

static intptr_t
save(struct world *w)
{
    (void)w;
    return vmprof_save_type_profile(profile, version, keep, NULL);
}

static void
save_first(struct world *w)
{
    take_first(w);
    require(save(w) == 0);
    w->check = require_loaded;
}

static void
load_first(struct world *w)
{
    save_first(w);
    load_written();
}

static void
load_first_to_free(struct world *w)
{
    load_first(w);
    w->check = require_profile;
}

static intptr_t
load(struct world *w)
{
    (void)w;
    return vmprof_load_type_profile(written, written_size, version, &loaded);
}

static intptr_t
free_loaded(struct world *w)
{
    (void)w;
    vmprof_free_loaded_profile(loaded);
    return 0;
}

static const struct operation list[] = {
    { "take the hits", "vmprof_get_and_clear_type_profiles", take, PATH("AB"),
      IS_LONG, hit_to_take },
    { "clear the hits", "vmprof_clear_type_profiles", clear, PATH("AB"),
      IS_LONG, hit },
    { "look at a type profile",
      "vmprof_get_type_profile_info vmprof_type_profile_info_init "
      "vmprof_get_type_row vmprof_type_row_init",
      get_info_and_row, PATH("AB"), 0, take_first },
    { "free a type profile", "vmprof_free_type_profile", free_profile,
      PATH("AB"), 0, take_first_to_free },
    { "write rows of types", "vmprof_write_type_rows vmprof_type_origin_init",
      write_rows, PATH("AB"), IS_LONG, take_first_to_write },
    { "save a type profile", "vmprof_save_type_profile", save, PATH("AB"),
      IS_LONG, take_first_to_save },
    { "load a type profile", "vmprof_load_type_profile", load, PATH("AB"),
      IS_LONG, save_first },
    { "find a loaded site", "vmprof_find_loaded_site", find_site, PATH("AB"),
      IS_LONG, load_first },
    { "free a loaded profile", "vmprof_free_loaded_profile", free_loaded,
      PATH("AB"), 0, load_first_to_free },
};

const struct operations type_operations = { list,
                                            sizeof(list) / sizeof(*list) };
