/* SPDX-License-Identifier: MIT */

/* From counters to rows with names. */

#include "profile.h"

#include <errno.h>
#include <stdlib.h>

#include "../../sized.h"
#include "../code.h"
#include "making.h"
#include "settings.h"
#include "strings.h"

enum {
    INFO_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_type_profile_info, unplaced),
    ROW_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_type_row, tuples),
};

static bool
has_hits(const struct vmp_row *row)
{
    return row->untyped.value || row->other.value || row->extra.value;
}

static int
make(struct vmp_making *m)
{
    int r = vmp_draft_rows(m);

    if (has_hits(&m->collected.table.unplaced))
        m->unplaced = &m->collected.table.unplaced;
    if (r == 0)
        r = vmp_draft_unseen(m);
    vmp_interp_lock();
    if (r == 0)
        r = vmp_name_types(m);
    vmp_interp_unlock();
    return r < 0 ? r : vmp_fill_profile(m);
}

static void
fill_info(struct vmprof_type_profile *profile, const struct vmp_collected *c)
{
    profile->info.period = c->period;
    profile->info.jitter = c->jitter;
    profile->info.from_ns = c->from_unix_ns;
    profile->info.until_ns = c->until_unix_ns;
    profile->from_mono_ns = c->from_mono_ns;
    profile->until_mono_ns = c->until_mono_ns;
    atomic_store(&profile->users, 1);
}

int
vmp_profile_take(struct vmprof_type_profile **out, bool ask_names)
{
    struct vmp_making m = { .ask_names = ask_names };
    int r;

    m.profile = calloc(1, sizeof(*m.profile));
    if (!m.profile)
        return -ENOMEM;
    fill_info(m.profile, &m.collected);
    vmp_callbacks_lock();
    r = vmp_collect(&m.collected);
    if (r == 0) {
        fill_info(m.profile, &m.collected);
        r = make(&m);
        if (r == 0)
            vmp_collected_free(&m.collected);
        else
            vmp_collect_undo(&m.collected);
    }
    vmp_callbacks_unlock();
    free(m.drafts);
    vmp_intern_free(&m.types);
    vmp_intern_free(&m.opcodes);
    free(m.type_names);
    free(m.opcode_names);
    free(m.late);
    if (r < 0)
        vmprof_free_type_profile(m.profile);
    else
        *out = m.profile;
    return r;
}

void
vmprof_free_type_profile(struct vmprof_type_profile *profile)
{
    if (!profile || atomic_fetch_sub(&profile->users, 1) != 1)
        return;
    vmp_strings_free(profile->strings);
    free(profile->rows);
    free(profile->classes);
    free(profile->tuples);
    free(profile);
}

int
vmprof_get_type_profile_info(const struct vmprof_type_profile *profile,
                             struct vmprof_type_profile_info *info)
{
    if (!profile || !info)
        return -EINVAL;
    return vmp_sized_export(info, sizeof(*info), INFO_SIZE_0_1, &profile->info);
}

int
vmprof_get_type_row(const struct vmprof_type_profile *profile, uint64_t index,
                    struct vmprof_type_row *row)
{
    int r;

    if (!profile || !row)
        return -EINVAL;
    if (index >= profile->info.rows)
        return 0;
    r = vmp_sized_export(row, sizeof(*row), ROW_SIZE_0_1,
                         &profile->rows[index]);
    return r < 0 ? r : 1;
}
