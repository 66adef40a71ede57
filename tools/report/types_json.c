/* SPDX-License-Identifier: MIT */

/* vmprof types --json: all sites that were asked for, complete. */
#include <errno.h>
#include <stdlib.h>

#include "json_out.h"
#include "types_view.h"

static struct json_object *
json_tuple(const struct types_view *types, const struct type_site *site,
           const struct type_tuple *tuple)
{
    struct json_object *object = json_object_new_object();
    struct json_object *names = json_object_new_array();

    for (uint32_t i = 0; i < tuple->count; i++)
        json_object_array_add(
            names,
            json_object_new_string(types->view.profile.words[tuple->words[i]]));
    json_object_object_add(object, "types", names);
    json_number(object, "hits", tuple->hits);
    json_real(object, "percent", type_percent(site, tuple->hits));
    return object;
}

void
json_site(struct json_object *object, const struct types_view *types,
          const struct type_site *site)
{
    const struct profile *profile = &types->view.profile;
    struct json_object *tuples = json_object_new_array();

    json_text(object, "kind",
              site_kind_name(site_kind(profile, site, &types->rule)));
    if (site->has_place) {
        if (site->line)
            json_number(object, "line", site->line);
        json_number(object, "offset", site->offset);
        json_number(object, "opcode", site->opcode);
        if (*site->opcode_name)
            json_text(object, "opcode_name", site->opcode_name);
    }
    json_number(object, "bytecodes", site->bytecodes);
    json_number(object, "hits", site->hits);
    json_number(object, "typed", site->typed);
    json_number(object, "other", site->other);
    json_number(object, "untyped", site->untyped);
    for (uint32_t i = 0; i < site->tuple_count; i++)
        json_object_array_add(
            tuples, json_tuple(types, site,
                               &profile->type_tuples[site->first_tuple + i]));
    json_object_object_add(object, "tuples", tuples);
}

void
json_group(struct json_object *object, const struct types_view *types,
           const struct type_group *group)
{
    const struct code *code = group_code(types, group);

    if (types->view.profile.type_sites[group->first].has_code) {
        json_text(object, "function", code->function);
        json_text(object, "file", code->file);
        json_number(object, "line", code->line);
        json_text(object, "language", code->language);
        if (group_hash(types, group))
            json_number(object, "code_hash", group_hash(types, group));
    }
}

static struct json_object *
json_sites(const struct types_view *types, const struct type_group *group)
{
    struct json_object *array = json_object_new_array();
    uint32_t count;
    uint32_t *order = order_sites(types, group, &count);

    /* NULL makes the writing fail at the end. */
    if (!order) {
        json_object_put(array);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct json_object *object = json_object_new_object();

        json_site(object, types, &types->view.profile.type_sites[order[i]]);
        json_object_array_add(array, object);
    }
    free(order);
    return array;
}

static struct json_object *
json_function(const struct types_view *types, const struct type_group *group)
{
    struct json_object *object = json_object_new_object();

    json_group(object, types, group);
    json_number(object, "bytecodes", group->bytecodes);
    json_number(object, "hits", group->hits);
    json_object_object_add(object, "sites", json_sites(types, group));
    return object;
}

static struct json_object *
json_sums(const struct types_view *types)
{
    const struct type_sums *sums = &types->groups.sums;
    struct json_object *object = json_object_new_object();
    struct json_object *sites = json_object_new_object();

    json_number(object, "rows", types->view.profile.type_row_count);
    json_number(object, "bytecodes", sums->bytecodes);
    json_number(object, "hits", sums->hits);
    json_number(object, "typed", sums->typed);
    json_number(object, "other", sums->other);
    json_number(object, "untyped", sums->untyped);
    json_number(object, "unplaced", sums->unplaced);
    for (enum site_kind i = SITE_UNSEEN; i < SITE_KINDS; i++)
        json_number(sites, site_kind_name(i), sums->sites[i]);
    json_object_object_add(object, "sites", sites);
    return object;
}

static struct json_object *
json_rule(const struct kind_rule *rule)
{
    struct json_object *object = json_object_new_object();

    json_real(object, "min_percent", rule->min_percent);
    json_number(object, "polymorphic_most", rule->most);
    return object;
}

static struct json_object *
json_readout(const struct readout *readout)
{
    struct json_object *object = json_object_new_object();

    json_number(object, "session", readout->session);
    json_number(object, "from_ns", readout->from_ns);
    json_number(object, "time_ns", readout->time_ns);
    json_number(object, "period", readout->period);
    json_flag(object, "jitter", readout->jitter);
    return object;
}

int
report_types_json(const struct types_view *types)
{
    const struct profile *profile = &types->view.profile;
    uint32_t count;
    uint32_t *order = order_groups(types, &count);
    struct json_out json;

    if (!order)
        return -ENOMEM;
    json_out_begin(&json, types->view.terminal.out);
    json_out_member(&json, "file", json_object_new_string(types->view.path));
    json_out_member(&json, "format", json_object_new_string(profile->format));
    json_out_member(&json, "sessions", json_sessions(profile));
    json_out_member(&json, "damage", json_damage(profile));
    json_out_member(&json, "summary", json_sums(types));
    json_out_member(&json, "rule", json_rule(&types->rule));
    json_out_begin_array(&json, "readouts");
    for (uint32_t i = 0; i < profile->readout_count; i++)
        json_out_element(&json, json_readout(&profile->readouts[i]));
    json_out_end_array(&json);
    json_out_begin_array(&json, "functions");
    for (uint32_t i = 0; i < count; i++)
        json_out_element(&json,
                         json_function(types, &types->groups.groups[order[i]]));
    json_out_end_array(&json);
    free(order);
    return json_out_end(&json);
}
