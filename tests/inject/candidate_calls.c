/* SPDX-License-Identifier: MIT */

/* What a VM does on the calls of codes that a JIT wants profiled whole. */

#include "counted.h"

VMPROF_API uint64_t
exported_counting(const struct vmprof_thread *thread)
    IN_LIBRARY(vmprof_counting);
VMPROF_API int
exported_wants_count(const struct vmprof_thread *thread)
    IN_LIBRARY(vmprof_wants_count);
VMPROF_API int
exported_has_candidates(const struct vmprof_thread *thread)
    IN_LIBRARY(vmprof_has_candidates);
VMPROF_API uint64_t
exported_call(struct vmprof_thread *thread, vmprof_code_id code)
    IN_LIBRARY(vmprof_count_call);
VMPROF_API void
exported_resume(struct vmprof_thread *thread, uint64_t mark)
    IN_LIBRARY(vmprof_count_resume);
VMPROF_API void
exported_return(struct vmprof_thread *thread, uint64_t mark)
    IN_LIBRARY(vmprof_count_return);

static uint64_t mark; /* of the candidate's call */
static unsigned answers;

static void
done(void *user, vmprof_code_id code, uint64_t calls, int error)
{
    (void)user;
    require(code == counted && calls <= 1);
    answers += error ? 10 : 1;
}

static intptr_t
add_candidate(struct world *w)
{
    const int r = vmprof_add_candidate(counted, 1, done, NULL);

    return r < 0 ? r
                 : exported_has_candidates(w->thread) &
                       exported_wants_count(w->thread);
}

static void
prepare_candidate(struct world *w)
{
    prepare(w);
    require(vmprof_add_candidate(counted, 1, done, NULL) == 0);
}

static intptr_t
remove_candidate(struct world *w)
{
    const int r = vmprof_remove_candidate(counted);

    return r < 0 ? r : (intptr_t)answers + exported_has_candidates(w->thread);
}

static intptr_t
call(struct world *w)
{
    mark = exported_call(w->thread, counted);
    return mark && exported_counting(w->thread) == VMPROF_COUNTING;
}

/* Two, of which one was called by the other and has returned. */
static void
prepare_resume(struct world *w)
{
    prepare_candidate(w);
    require(call(w));
    require(vmprof_count_call(w->thread, code(w, 'A')) == 0);
    require(vmprof_counting(w->thread) == 0);
}

static intptr_t
resume(struct world *w)
{
    exported_resume(w->thread, mark);
    return (intptr_t)exported_counting(w->thread);
}

static void
prepare_return(struct world *w)
{
    prepare_candidate(w);
    require(call(w));
    vmprof_count_bytecode(w->thread, counted, OFFSET, OPCODE_ONE, &number);
    w->check = require_a_hit;
}

static intptr_t
return_from(struct world *w)
{
    exported_return(w->thread, mark);
    return (intptr_t)answers + (intptr_t)exported_counting(w->thread);
}

static const struct operation list[] = {
    { "add a candidate",
      "vmprof_add_candidate vmprof_has_candidates "
      "vmprof_wants_count",
      add_candidate, PATH("AB"), 0, prepare },
    { "remove a candidate", "vmprof_remove_candidate", remove_candidate,
      PATH("AB"), 0, prepare_candidate },
    { "call a candidate", "vmprof_count_call vmprof_candidate_call", call,
      PATH("AB"), 0, prepare_candidate },
    { "resume a candidate", "vmprof_count_resume vmprof_candidate_resume",
      resume, PATH("AB"), 0, prepare_resume },
    { "return from a candidate", "vmprof_count_return vmprof_candidate_return",
      return_from, PATH("AB"), 0, prepare_return },
};

const struct operations candidate_operations = { list,
                                                 sizeof(list) / sizeof(*list) };
