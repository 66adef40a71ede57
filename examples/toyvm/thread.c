/* SPDX-License-Identifier: MIT */

#include "thread.h"

#include "events.h"
#include "memory.h"
#include "native.h"
#include "text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct vm_thread {
    struct vm_thread *next; /* child of the same thread */
    struct interp interp;
    pthread_t id;
    char name[32];
    unsigned truth;
    struct jit_settings jit;
    bool returned;     /* false: interp.thrown is what ended it */
    bool child_failed; /* one that nobody joined */
    struct value result;
    struct text message; /* of the exception */
};

static struct vm_thread *
new_thread(const struct program *program, unsigned truth,
           const struct jit_settings *jit)
{
    static atomic_uint made;
    struct vm_thread *thread = allocate(sizeof(*thread));

    interp_init(&thread->interp, program);
    thread->truth = truth;
    if (jit)
        thread->jit = *jit;
    thread->interp.number = made++;
    snprintf(thread->name, sizeof(thread->name), "toy %u",
             thread->interp.number);
    return thread;
}

static void
free_thread(struct vm_thread *thread)
{
    interp_free(&thread->interp);
    free(thread->message.bytes);
    free(thread);
}

/* Free a thread that has ended; say so if it has failed. */
static bool
finish(struct vm_thread *thread)
{
    bool succeeded = thread->returned && !thread->child_failed;

    if (!thread->returned)
        fprintf(stderr, "toyvm: %s: %.*s", thread->name,
                (int)thread->message.length, thread->message.bytes);
    free_thread(thread);
    return succeeded;
}

/* Run the function whose frame was pushed. */
static void
run_attached(struct vm_thread *thread)
{
    struct interp *interp = &thread->interp;

    if (thread->truth & TRUTH_TYPES)
        interp->type_truth = type_truth_start(interp->program);
    if (thread->truth & TRUTH_TIMES)
        interp->truth = truth_start(interp->program, thread->name,
                                    interp->main.frame->function->index);
    jit_start(interp, &thread->jit, thread->name);
    events_begin_thread(interp, interp->number);
    thread->returned = interp_run(interp, &thread->result);
    if (!thread->returned) {
        describe_uncaught(interp, &thread->message);
        interp_abandon(interp);
    }
    events_end_thread(interp);
    jit_stop(interp);
    truth_stop(interp->truth);
    type_truth_stop(interp->type_truth);
}

static void
run(struct vm_thread *thread)
{
    struct interp *interp = &thread->interp;
    int error = profile_attach(thread->name, &interp->profile);

    if (error) {
        throw_error(interp, "cannot be profiled: %s", vmprof_strerror(error));
        describe_uncaught(interp, &thread->message);
    } else {
        run_attached(thread);
        profile_detach(interp->profile);
    }
    while (interp->children) {
        struct vm_thread *child = interp->children;

        interp->children = child->next;
        pthread_join(child->id, NULL);
        if (!finish(child))
            thread->child_failed = true;
    }
}

static void *
thread_body(void *thread)
{
    run(thread);
    return NULL;
}

/* Start a thread and put it at the head of a list; an errno if it cannot be
 * started, and then it has been freed. */
static int
start(struct vm_thread *thread, struct vm_thread **list)
{
    int error = pthread_create(&thread->id, NULL, thread_body, thread);

    if (error) {
        events_expect_threads(-1);
        free_thread(thread);
        return error;
    }
    thread->next = *list;
    *list = thread;
    return 0;
}

/* Copy the arguments of a call into a thread that does not run yet. */
static bool
push_arguments(struct interp *interp, struct vm_thread *thread,
               const struct value *arguments, size_t count)
{
    struct coroutine *coroutine = &thread->interp.main;
    struct frame *frame =
        push_frame(&thread->interp, coroutine, arguments[0].function, NULL, 0);

    for (size_t i = 1; i < count; i++) {
        const char *error =
            copy_value(&thread->interp.heap, arguments[i], frame->sp++);

        if (error)
            return throw_error(interp, "%s", error);
    }
    return true;
}

/* thread_start(function, argument...): runs it on copies of the arguments */
bool
native_thread_start(struct interp *interp, const struct value *arguments,
                    size_t count, struct value *result)
{
    struct vm_thread *thread;
    struct thread *handle;
    int error;

    if (!check_call(interp, arguments[0], count - 1))
        return false;
    thread = new_thread(interp->program,
                        (interp->truth ? TRUTH_TIMES : 0) |
                            (interp->type_truth ? TRUTH_TYPES : 0),
                        jit_settings_of(interp->jit));
    if (!push_arguments(interp, thread, arguments, count)) {
        free_thread(thread);
        return false;
    }
    events_expect_threads(1);
    error = start(thread, &interp->children);
    if (error)
        return throw_error(interp, "cannot start a thread: %s",
                           strerror(error));
    handle = heap_new(&interp->heap, VALUE_THREAD, sizeof(*handle));
    handle->running = thread;
    *result = value_cell(VALUE_THREAD, handle);
    return true;
}

/* The result or the exception of a thread that has ended, copied. */
static bool
take_result(struct interp *interp, const struct vm_thread *thread,
            struct value *result)
{
    struct value value =
        thread->returned ? thread->result : thread->interp.thrown;
    const char *error = copy_value(&interp->heap, value, result);

    if (error)
        return throw_error(interp, "%s", error);
    if (!thread->returned)
        interp->thrown = *result;
    return thread->returned;
}

static bool
join(struct interp *interp, struct vm_thread *thread, struct value *result)
{
    struct vm_thread **place = &interp->children;
    bool returned;

    while (*place != thread)
        place = &(*place)->next;
    *place = thread->next;
    pthread_join(thread->id, NULL);
    if (thread->child_failed)
        returned = throw_error(interp, "a thread of this thread has failed");
    else
        returned = take_result(interp, thread, result);
    free_thread(thread);
    return returned;
}

/* thread_join(thread): what its function returned; throws what it threw */
bool
native_thread_join(struct interp *interp, const struct value *arguments,
                   size_t count, struct value *result)
{
    struct vm_thread *thread;

    (void)count;
    if (arguments[0].type != VALUE_THREAD)
        return throw_error(interp, "thread_join needs a thread, this is a %s",
                           value_type_name(arguments[0].type));
    thread = arguments[0].thread->running;
    if (!thread)
        return throw_error(interp, "this thread has been joined");
    arguments[0].thread->running = NULL;
    return join(interp, thread, result);
}

static struct vm_thread *
new_main(const struct program *program, char **arguments, size_t count,
         unsigned truth, const struct jit_settings *jit)
{
    struct vm_thread *thread = new_thread(program, truth, jit);
    struct heap *heap = &thread->interp.heap;
    struct value list = value_cell(VALUE_LIST, heap_new_list(heap));

    for (size_t i = 0; i < count; i++) {
        struct string *string =
            heap_new_string(heap, arguments[i], strlen(arguments[i]));

        list_push(heap, list.list, value_cell(VALUE_STRING, string));
    }
    push_frame(&thread->interp, &thread->interp.main, program->functions[0],
               &list, 1);
    return thread;
}

static bool
join_all(struct vm_thread *list)
{
    bool succeeded = true;
    struct vm_thread *next;

    for (; list; list = next) {
        next = list->next;
        pthread_join(list->id, NULL);
        succeeded = finish(list) && succeeded;
    }
    return succeeded;
}

bool
thread_run(const struct program *program, char **arguments, size_t count,
           unsigned truth, const struct jit_settings *jit, size_t thread_count)
{
    struct vm_thread *list = NULL;
    int error = 0;

    events_expect_threads((int)thread_count);
    if (thread_count == 1) {
        struct vm_thread *thread =
            new_main(program, arguments, count, truth, jit);

        run(thread);
        return finish(thread);
    }
    for (size_t i = 0; !error && i < thread_count; i++)
        error = start(new_main(program, arguments, count, truth, jit), &list);
    if (error)
        fprintf(stderr, "toyvm: cannot start a thread: %s\n", strerror(error));
    return join_all(list) && !error;
}
