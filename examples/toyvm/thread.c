/* SPDX-License-Identifier: MIT */

#include "thread.h"

#include "memory.h"
#include "native.h"
#include "text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct vm_thread {
    struct vm_thread *next;
    struct interp interp;
    pthread_t id;
    char name[32];
    bool truth;
    bool returned; /* false: interp.thrown is what ended it */
    struct value result;
    struct text message; /* of the exception */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vm_thread *not_joined;
static unsigned started;

static bool
report(const char *what, const char *why)
{
    fprintf(stderr, "toyvm: %s: %s\n", what, why);
    return false;
}

/* Run the function whose frame was pushed, between attach and detach. */
static bool
run_attached(struct vm_thread *thread)
{
    struct interp *interp = &thread->interp;
    int error = profile_attach(thread->name, &interp->profile);

    if (error) {
        throw_error(interp, "cannot be profiled: %s", vmprof_strerror(error));
        text_add_value(&thread->message, interp->thrown);
        return false;
    }
    if (thread->truth)
        interp->truth = truth_start(interp->program, thread->name,
                                    interp->main.frame->function->index);
    thread->returned = interp_run(interp, &thread->result);
    if (!thread->returned) {
        describe_uncaught(interp, &thread->message);
        interp_abandon(interp);
    }
    truth_stop(interp->truth);
    profile_detach(interp->profile);
    return thread->returned;
}

static struct vm_thread *
new_thread(const struct program *program, bool truth)
{
    struct vm_thread *thread = allocate(sizeof(*thread));

    interp_init(&thread->interp, program);
    thread->truth = truth;
    pthread_mutex_lock(&lock);
    snprintf(thread->name, sizeof(thread->name), "toy %u", started++);
    pthread_mutex_unlock(&lock);
    return thread;
}

static void
free_thread(struct vm_thread *thread)
{
    interp_free(&thread->interp);
    free(thread->message.bytes);
    free(thread);
}

static void *
thread_body(void *argument)
{
    run_attached(argument);
    return NULL;
}

/* Owned by the list until it is joined. Returns an errno. */
static int
start(struct vm_thread *thread)
{
    int error;

    pthread_mutex_lock(&lock);
    error = pthread_create(&thread->id, NULL, thread_body, thread);
    if (!error) {
        thread->next = not_joined;
        not_joined = thread;
    }
    pthread_mutex_unlock(&lock);
    if (error)
        free_thread(thread);
    return error;
}

/* Take a thread, or any if it is NULL, off the list and wait for it. */
static struct vm_thread *
join(struct vm_thread *thread)
{
    struct vm_thread **place = &not_joined;

    pthread_mutex_lock(&lock);
    while (*place && thread && *place != thread)
        place = &(*place)->next;
    thread = *place;
    if (thread)
        *place = thread->next;
    pthread_mutex_unlock(&lock);
    if (thread)
        pthread_join(thread->id, NULL);
    return thread;
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
    thread = new_thread(interp->program, interp->truth != NULL);
    if (!push_arguments(interp, thread, arguments, count)) {
        free_thread(thread);
        return false;
    }
    error = start(thread);
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

/* thread_join(thread): what its function returned; throws what it threw */
bool
native_thread_join(struct interp *interp, const struct value *arguments,
                   size_t count, struct value *result)
{
    struct vm_thread *thread;
    bool returned;

    (void)count;
    if (arguments[0].type != VALUE_THREAD)
        return throw_error(interp, "thread_join needs a thread, this is a %s",
                           value_type_name(arguments[0].type));
    if (!arguments[0].thread->running)
        return throw_error(interp, "this thread has been joined");
    thread = join(arguments[0].thread->running);
    arguments[0].thread->running = NULL;
    returned = take_result(interp, thread, result);
    free_thread(thread);
    return returned;
}

static struct vm_thread *
new_main(const struct program *program, char **arguments, size_t count,
         bool truth)
{
    struct vm_thread *thread = new_thread(program, truth);
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

/* Report how a thread ended, and free it. */
static bool
finish(struct vm_thread *thread)
{
    bool returned = thread->returned;

    if (!returned)
        fprintf(stderr, "toyvm: %s: %.*s", thread->name,
                (int)thread->message.length, thread->message.bytes);
    free_thread(thread);
    return returned;
}

bool
thread_run_main(const struct program *program, char **arguments, size_t count,
                bool truth)
{
    struct vm_thread *thread = new_main(program, arguments, count, truth);

    run_attached(thread);
    return finish(thread);
}

bool
thread_run_many(const struct program *program, char **arguments, size_t count,
                bool truth, size_t thread_count)
{
    for (size_t i = 0; i < thread_count; i++) {
        int error = start(new_main(program, arguments, count, truth));

        if (error)
            return report("cannot start a thread", strerror(error));
    }
    return true;
}

bool
thread_join_rest(void)
{
    struct vm_thread *thread;
    bool returned = true;

    while ((thread = join(NULL)))
        returned = finish(thread) && returned;
    return returned;
}
