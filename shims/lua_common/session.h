/* SPDX-License-Identifier: MIT */

/* What vmprof.start() and vmprof.stop() do to the process, and what
   vmprof.stats() says of it. */
#ifndef LUA_COMMON_SESSION_H
#define LUA_COMMON_SESSION_H

#include "options.h"

/* Profile into a file of its own, or raise an error. */
void
vmprof_shim_start_session(lua_State *L, const struct start_options *options);

/* End what that began, or raise an error. */
void
vmprof_shim_stop_session(lua_State *L);

/* The same without a state. Returns 0, -EALREADY, -EIO, or what else
   vmprof_disable() said. */
int
vmprof_shim_close_session(void);

/* Push a table with the counters of the session, or of the last one, which are
   in `now` too; or raise an error. */
void
vmprof_shim_push_stats(lua_State *L, struct vmprof_stats *now);

#endif
