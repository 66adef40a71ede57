/* SPDX-License-Identifier: MIT */

/*
 * JSON as it is made, a member at a time, so that a large tree never lies in
 * memory twice. Texts keep every character; those that could act on a terminal
 * are written as \uNNNN, and bytes that are no UTF-8 become U+FFFD.
 */
#ifndef REPORT_JSON_OUT_H
#define REPORT_JSON_OUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_out {
    FILE *out;
    bool first; /* the next member has none before it */
    bool failed;
};

void
json_out_begin(struct json_out *json, FILE *out);

/* One member of the outer object. Takes `value`. */
void
json_out_member(struct json_out *json, const char *name,
                struct json_object *value);

/* A member that is an array; then its elements, which are taken. */
void
json_out_begin_array(struct json_out *json, const char *name);
void
json_out_element(struct json_out *json, struct json_object *value);
void
json_out_end_array(struct json_out *json);

/* A value on a line of its own, which is taken; outside of all objects. */
void
json_out_line(struct json_out *json, struct json_object *value);

/* Returns 0, or -ENOMEM if something above failed. */
int
json_out_end(struct json_out *json);

/* Members of an object; a value that could not be made makes it fail later. */
void
json_number(struct json_object *object, const char *name, uint64_t value);
void
json_real(struct json_object *object, const char *name, double value);
void
json_text(struct json_object *object, const char *name, const char *value);
void
json_flag(struct json_object *object, const char *name, bool value);

struct profile;
struct json_object *
json_sessions(const struct profile *profile);
struct json_object *
json_damage(const struct profile *profile);
struct json_object *
json_modules(const struct profile *profile);
struct json_object *
json_losses(const struct profile *profile);

#endif
