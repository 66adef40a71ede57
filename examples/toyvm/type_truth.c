/* SPDX-License-Identifier: MIT */

#include "type_truth.h"

#include "memory.h"
#include "profile.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    TYPES_MAX = 8, /* of a tuple; what a call has beyond is not told */
};

/* A tuple of types at a place, as characters. */
struct seen {
    struct seen *next;
    uint64_t count;
    uint8_t types[TYPES_MAX];
    size_t type_count;
};

struct type_truth {
    struct type_truth *next;
    struct seen **places[]; /* by function and offset */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct type_truth *stopped;

struct type_truth *
type_truth_start(const struct program *program)
{
    struct type_truth *truth = allocate(
        sizeof(*truth) + program->function_count * sizeof(struct seen **));

    for (size_t i = 0; i < program->function_count; i++)
        truth->places[i] = allocate((program->functions[i]->count + 1) *
                                    sizeof(struct seen *));
    return truth;
}

void
type_truth_count(struct type_truth *truth, const struct function *function,
                 const uint32_t *pc, const struct value *sp)
{
    struct seen **place = &truth->places[function->index][pc - function->code];
    uint32_t all = profile_type_count(opcode_of(word_at(pc)), word_at(pc));
    size_t count = all < TYPES_MAX ? all : TYPES_MAX;
    uint8_t types[TYPES_MAX] = { 0 };

    for (size_t i = 0; i < count; i++)
        types[i] = (uint8_t)(sp - all)[i].type;
    while (*place && memcmp((*place)->types, types, sizeof(types)) != 0)
        place = &(*place)->next;
    if (!*place) {
        *place = allocate(sizeof(**place));
        memcpy((*place)->types, types, sizeof(types));
        (*place)->type_count = count;
    }
    (*place)->count++;
}

void
type_truth_stop(struct type_truth *truth)
{
    if (!truth)
        return;
    pthread_mutex_lock(&lock);
    truth->next = stopped;
    stopped = truth;
    pthread_mutex_unlock(&lock);
}

static void
print_seen(const struct function *function, size_t offset,
           const struct seen *seen, FILE *file)
{
    fprintf(file,
            "{\"function\": \"%s\", \"offset\": %zu, \"line\": %" PRIu32
            ", \"count\": %" PRIu64 ", \"types\": [",
            function->name, offset, function->lines[offset], seen->count);
    for (size_t i = 0; i < seen->type_count; i++)
        fprintf(file, "%s\"%s\"", i ? ", " : "",
                value_type_name((enum value_type)seen->types[i]));
    fputs("]}\n", file);
}

static void
print_function(struct type_truth *truth, const struct function *function,
               FILE *file)
{
    struct seen **places = truth->places[function->index];
    struct seen *next;

    for (size_t offset = 0; offset < function->count; offset++) {
        for (struct seen *seen = places[offset]; seen; seen = next) {
            next = seen->next;
            print_seen(function, offset, seen, file);
            free(seen);
        }
    }
    free(places);
}

void
type_truth_print(const struct program *program, FILE *file)
{
    struct type_truth *next;

    for (; stopped; stopped = next) {
        next = stopped->next;
        for (size_t i = 0; i < program->function_count; i++)
            print_function(stopped, program->functions[i], file);
        free(stopped);
    }
}
