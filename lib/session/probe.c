/* lib/session/probe.c: one group of messages that tells a direct server, a pooler that tracks
 * statements and one that does not apart, with nothing configured: a statement is prepared under a
 * name of ours, and asks the server under which name, and in which process, it is known.
 *
 *   same name, same process     a server, or a pooler that keeps one for us
 *   another name                a pooler that rewrites names: it tracks statements
 *   same name, another process  a pooler that does not: names are not to be used
 *
 * It rides in front of the first query that could use a name, in the same write. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/encode.h"

#define TAG_BYTES 12
#define TAG_HEX   (2 * TAG_BYTES)
#define PREFIX    "tusk_probe_"

static const char before_tag[] =
    "select name, pg_catalog.pg_backend_pid() from pg_catalog.pg_prepared_statements "
    "where statement like '%/*tusk:";
static const char after_tag[] = "*/%' limit 1";

static void settle(tusk_conn *c, enum tusk__profile_id profile)
{
    if (c->profile == TUSK__PROFILE_UNKNOWN)
        tusk__session_set_profile(c, profile);
}

static int on_row(void *ud, const tusk_row *row)
{
    tusk_conn *c = ud;
    tusk_slice name;
    int32_t pid;
    if (tusk_row_width(row) != 2 || tusk_get(row, 1, &pid) != TUSK_OK)
        return TUSK_OK;
    bool named = tusk_get(row, 0, &name) == TUSK_OK;
    bool renamed = named && (name.len != strlen(c->probe_name) ||
                             memcmp(name.ptr, c->probe_name, name.len) != 0);
    if (renamed)
        settle(c, tusk__profile_of_name(name));
    else
        settle(c, pid == c->pid && c->pid != 0 ? TUSK__PROFILE_DIRECT : TUSK__PROFILE_UNAWARE);
    if (c->ops != NULL)
        c->ops->learned(c, c->profile);
    return TUSK_OK;
}

static void on_done(void *ud, const tusk_outcome *o)
{
    tusk_conn *c = ud;
    c->probing = false;
    /* No row, or an error: whatever it is, it does not show that names can be relied upon. */
    if (o->fate == TUSK_DONE || o->fate == TUSK_FAILED)
        settle(c, TUSK__PROFILE_UNAWARE);
}

static const tusk_sink sink = {.row = on_row, .done = on_done};

static int make_tag(tusk_conn *c, char hex[TAG_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t tag[TAG_BYTES];
    int status = c->crypto->random(tag, sizeof tag);
    for (size_t i = 0; status == TUSK_OK && i < TAG_BYTES; i++) {
        hex[2 * i] = digits[tag[i] >> 4];
        hex[2 * i + 1] = digits[tag[i] & 15];
    }
    hex[TAG_HEX] = '\0';
    return status;
}

/* Without a statement cache no name is ever sent: what is left is whether the process is the one
 * that answered our login. */
static const char unnamed_sql[] = "select null::pg_catalog.name, pg_catalog.pg_backend_pid()";

static bool encode(tusk_conn *c, tusk_req *r, tusk_slice sql)
{
    tusk_buf *out = tusk__session_encoder(c);
    size_t mark = tusk__buf_mark(out);
    bool named = c->probe_name[0] != '\0';
    r->begin = tusk__session_position(c);
    tusk__encode_parse(out, c->probe_name, sql, 0, NULL, 0);
    tusk__encode_bind(out, "", c->probe_name, NULL, 0, NULL, 0, TUSK_FORMAT_BINARY);
    tusk__encode_describe(out, 'P', "");
    tusk__encode_execute(out);
    r->executed = tusk__session_position(c);
    if (named)
        tusk__encode_close(out, 'S', c->probe_name);
    tusk__encode_empty(out, 'S');
    r->end = tusk__session_position(c);
    if (out->status != TUSK_OK) {
        tusk__buf_rollback(out, mark);
        return false;
    }
    r->plan = TUSK__PLAN6(TUSK__PARSE, TUSK__BIND, TUSK__COLUMNS, TUSK__EXECUTE,
                          named ? TUSK__CLOSE : TUSK__READY, named ? TUSK__READY : 0);
    tusk__session_trace_out(c, out, mark);
    return true;
}

/* Writes the probe's text to sql and its name to conn->probe_name. */
static int compose(tusk_conn *c, char *sql)
{
    char hex[TAG_HEX + 1];
    c->probe_name[0] = '\0';
    if (c->settings.statement_cache == 0) {
        memcpy(sql, unnamed_sql, sizeof unnamed_sql);
        return TUSK_OK;
    }
    int status = make_tag(c, hex);
    memcpy(c->probe_name, PREFIX, sizeof PREFIX - 1);
    memcpy(c->probe_name + sizeof PREFIX - 1, hex, sizeof hex);
    size_t n = sizeof before_tag - 1;
    memcpy(sql, before_tag, n);
    memcpy(sql + n, hex, TAG_HEX);
    memcpy(sql + n + TAG_HEX, after_tag, sizeof after_tag);
    return status;
}

/* Not inside a transaction, which its failure would ruin. */
static bool possible(const tusk_conn *c)
{
    bool in_group = c->tail != NULL && !c->tail->sync;
    return !c->probed && !in_group && !c->in_batch && c->unsure == 0 && c->tx != 'T' &&
           c->tx != 'E';
}

void tusk__probe(tusk_conn *c)
{
    char sql[sizeof before_tag + TAG_HEX + sizeof after_tag];
    if (!possible(c) || compose(c, sql) != TUSK_OK)
        return;
    tusk_req *r = tusk__req_new(c);
    if (r == NULL)
        return; /* another query will try again */
    r->sink = &sink;
    r->ud = c;
    r->starts = r->sync = true;
    r->binary = true;
    r->internal = true;
    r->held = c->holding = tusk__must_hold(c, r);
    if (!encode(c, r, tusk_slice_of(sql))) {
        tusk__req_free(r);
        return;
    }
    c->probed = c->probing = true;
    tusk__queue_push(c, r);
}
