/* SPDX-License-Identifier: MIT */

#include "fold.h"

#include <errno.h>
#include <stdlib.h>

const char no_name[] = "[unnamed]";

/* The root's key; no other node has parent and label of all ones. */
#define ROOT UINT64_MAX

static uint32_t
pair(struct dense *dense, uint32_t high, uint32_t low)
{
    if (high == DENSE_NONE || low == DENSE_NONE)
        return DENSE_NONE;
    return dense_put(dense, (uint64_t)high << 32 | low);
}

/* The reader interns strings, so equal ones have one address. */
static uint32_t
string_number(struct dense *strings, const char *string)
{
    return dense_put(strings, (uintptr_t)string);
}

/* Tables that lead from a code to its function, two parts at a time. */
struct steps {
    struct dense strings, names, places, sources, functions;
};

static uint32_t
function_number(struct steps *steps, const struct code *code)
{
    uint32_t name =
        pair(&steps->names, string_number(&steps->strings, code->language),
             string_number(&steps->strings, code->function));
    uint32_t place = pair(
        &steps->places, string_number(&steps->strings, code->file), code->line);
    uint32_t source = pair(&steps->sources, place,
                           string_number(&steps->strings, code->module));

    return pair(&steps->functions, name, source);
}

static int
number_codes(struct functions *functions, const struct profile *profile,
             struct steps *steps)
{
    for (uint32_t code = 0; code < profile->code_count; code++) {
        uint32_t number = function_number(steps, &profile->codes[code]);

        if (number == DENSE_NONE)
            return -ENOMEM;
        functions->of_code[code] = number;
        if (number == functions->count)
            functions->code[functions->count++] = code;
    }
    return 0;
}

int
functions_find(struct functions *functions, const struct profile *profile)
{
    struct steps steps = { 0 };
    size_t count = (size_t)profile->code_count + 1;
    int result = -ENOMEM;

    *functions = (struct functions){
        .of_code = calloc(count, sizeof(uint32_t)),
        .code = calloc(count, sizeof(uint32_t)),
    };
    if (functions->of_code && functions->code)
        result = number_codes(functions, profile, &steps);
    dense_free(&steps.strings);
    dense_free(&steps.names);
    dense_free(&steps.places);
    dense_free(&steps.sources);
    dense_free(&steps.functions);
    if (result)
        functions_free(functions);
    return result;
}

void
functions_free(struct functions *functions)
{
    free(functions->of_code);
    free(functions->code);
    *functions = (struct functions){ 0 };
}

int
fold_build(struct fold *fold, const struct profile *profile,
           const uint32_t *labels)
{
    *fold = (struct fold){ 0 };
    fold->of = calloc((size_t)profile->node_count + 1, sizeof(*fold->of));
    if (!fold->of || dense_put(&fold->nodes, ROOT) == DENSE_NONE)
        goto out_of_memory;
    for (uint32_t i = 1; i < profile->node_count; i++) {
        const struct node *node = &profile->nodes[i];

        fold->of[i] =
            fold_child(fold, fold->of[node->parent], labels[node->frame]);
        if (fold->of[i] == DENSE_NONE)
            goto out_of_memory;
    }
    return 0;

out_of_memory:
    fold_free(fold);
    return -ENOMEM;
}

uint32_t
fold_child(struct fold *fold, uint32_t parent, uint32_t label)
{
    return pair(&fold->nodes, parent, label);
}

uint32_t
fold_parent(const struct fold *fold, uint32_t node)
{
    return (uint32_t)(fold->nodes.keys[node] >> 32);
}

uint32_t
fold_label(const struct fold *fold, uint32_t node)
{
    return (uint32_t)fold->nodes.keys[node];
}

uint32_t
fold_path(const struct fold *fold, uint32_t node, uint32_t *labels)
{
    uint32_t count = 0;

    for (; node; node = fold_parent(fold, node))
        labels[count++] = fold_label(fold, node);
    return count;
}

uint32_t
fold_max_depth(const struct profile *profile)
{
    uint32_t depth = 0;

    for (uint32_t i = 0; i < profile->node_count; i++)
        if (depth < profile->nodes[i].depth)
            depth = profile->nodes[i].depth;
    return depth + 1;
}

void
fold_free(struct fold *fold)
{
    dense_free(&fold->nodes);
    free(fold->of);
    *fold = (struct fold){ 0 };
}
