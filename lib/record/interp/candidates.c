/* SPDX-License-Identifier: MIT */

#include "candidates.h"

#include <errno.h>
#include <stdlib.h>

#include "../code.h"
#include "../thread.h"
#include "hits.h"
#include "settings.h"

struct candidate {
    struct candidate *next;
    uint64_t code, mark;
    uint64_t calls;       /* in all */
    uint64_t begun, live; /* of these; live: begun and not ended */
    vmprof_candidate_function done;
    void *user;
};

/* Under vmp_interp_lock(). */
static struct candidate *candidates;
static uint64_t last_mark;

static struct candidate *
find_code(uint64_t code)
{
    struct candidate *c = candidates;

    while (c && c->code != code)
        c = c->next;
    return c;
}

static struct candidate *
find_mark(uint64_t mark)
{
    struct candidate *c = candidates;

    while (c && c->mark != mark)
        c = c->next;
    return c;
}

bool
vmp_candidate_is_there(uint64_t mark)
{
    return find_mark(mark) != NULL;
}

static void
show_count(void)
{
    for (struct vmp_hits *h = vmp_interp.threads; h; h = h->next)
        vmp_hits_show(h);
    vmp_interp_changed();
}

static void
unlink_candidate(struct candidate *candidate)
{
    struct candidate **link = &candidates;

    while (*link != candidate)
        link = &(*link)->next;
    *link = candidate->next;
    vmp_interp.candidates--;
    show_count();
}

/* Tell whoever asked, without a lock: it may call the library. */
static void
finish(struct candidate *candidate, uint64_t calls, int error)
{
    if (candidate->done)
        candidate->done(candidate->user, candidate->code, calls, error);
    free(candidate);
}

int
vmprof_add_candidate(vmprof_code_id code, uint64_t calls,
                     vmprof_candidate_function done, void *user)
{
    struct candidate *const made = calloc(1, sizeof(*made));
    int r = 0;

    if (!calls)
        r = -EINVAL;
    else if (!made)
        r = -ENOMEM;
    if (r < 0) {
        free(made);
        return r;
    }
    made->code = code;
    made->calls = calls;
    made->done = done;
    made->user = user;
    vmp_interp_lock();
    /* Under the lock, for vmp_candidate_forget() comes when it is dead. */
    if (!vmp_code_is_alive(code))
        r = -ENOENT;
    else if (find_code(code))
        r = -EEXIST;
    if (r == 0) {
        made->mark = ++last_mark;
        made->next = candidates;
        candidates = made;
        vmp_interp.candidates++;
        show_count();
    }
    vmp_interp_unlock();
    if (r < 0)
        free(made);
    return r;
}

int
vmprof_remove_candidate(vmprof_code_id code)
{
    struct candidate *candidate;

    vmp_interp_lock();
    candidate = find_code(code);
    if (candidate)
        unlink_candidate(candidate);
    vmp_interp_unlock();
    if (!candidate)
        return -ENOENT;
    finish(candidate, candidate->begun - candidate->live, -ECANCELED);
    return 0;
}

void
vmp_candidate_forget(uint64_t code)
{
    (void)vmprof_remove_candidate(code);
}

void
vmp_candidates_leave_to_parent(void)
{
    while (candidates) {
        struct candidate *const next = candidates->next;

        free(candidates);
        candidates = next;
    }
    vmp_interp.candidates = 0;
}

/* The thread runs a call of this mark now; 0: one that is not profiled whole. */
static void
run_call(struct vmp_thread *thread, uint64_t mark)
{
    if (thread->hits.mark != mark)
        vmp_hits_set_mark(&thread->hits, mark);
}

uint64_t
vmprof_candidate_call(struct vmprof_thread *thread, vmprof_code_id code)
{
    struct candidate *candidate;
    uint64_t mark = 0;

    vmp_interp_lock();
    candidate = find_code(code);
    if (candidate && candidate->begun < candidate->calls) {
        candidate->begun++;
        candidate->live++;
        mark = candidate->mark;
    }
    vmp_interp_unlock();
    run_call((struct vmp_thread *)thread, mark);
    return mark;
}

void
vmprof_candidate_resume(struct vmprof_thread *thread, uint64_t mark)
{
    bool is_there;

    vmp_interp_lock();
    is_there = mark && find_mark(mark);
    vmp_interp_unlock();
    run_call((struct vmp_thread *)thread, is_there ? mark : 0);
}

void
vmprof_candidate_return(struct vmprof_thread *thread, uint64_t mark)
{
    struct candidate *candidate;
    bool is_done = false;

    vmp_interp_lock();
    candidate = find_mark(mark);
    if (candidate) {
        candidate->live--;
        is_done = !candidate->live && candidate->begun == candidate->calls;
    }
    if (is_done)
        unlink_candidate(candidate);
    vmp_interp_unlock();
    run_call((struct vmp_thread *)thread, 0);
    if (is_done)
        finish(candidate, candidate->calls, 0);
}
