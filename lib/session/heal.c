/* lib/session/heal.c: statements that failed for reasons of ours, not of the caller's: a name that
 * is gone, a plan that DDL made stale, a type without binary output. Where the server proved that
 * nothing was executed and no transaction is open, the statement is sent once more, as a one-shot;
 * the caller sees the answer it asked for. Otherwise the error is told as it is, and the next use
 * works.
 *
 * The bytes of a request are kept until it is done, so nothing has to be copied for this. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/bytes.h"
#include "proto/encode.h"

#define MAX_TRIES 3
/* Names that got lost or mixed up, until none are used any more. */
#define MAX_LOST 3

/* DDL changed what a prepared statement returns. Other 0A000s are the caller's own. */
static bool stale_plan(const tusk_error *e)
{
    const char *routine = tusk_error_field(e, 'R');
    return e->sqlstate == TUSK_FEATURE_NOT_SUPPORTED && routine != NULL &&
           strcmp(routine, "RevalidateCachedQuery") == 0;
}

static bool no_binary_output(const tusk_error *e)
{
    return e->sqlstate == TUSK_UNDEFINED_FUNCTION &&
           strncmp(e->message, "no binary output function", 25) == 0;
}

/* The server looks at a statement that was prepared earlier again when it is bound: DDL may have
 * made it wrong where its text, with the types inferred anew, is not. Nothing is executed before
 * Bind is over. */
static bool outdated(const tusk_req *r, const tusk_error *e)
{
    const uint32_t class_42 = ('4' - '0') | ('2' - '0') << 6;
    return r->await == TUSK__BIND && !r->prepares && r->stmt->state == TUSK__STMT_READY &&
           ((e->sqlstate & 0xfff) == class_42 || e->sqlstate == TUSK_INVALID_TEXT_REPRESENTATION ||
            e->sqlstate == TUSK_INVALID_BINARY_REPRESENTATION);
}

static bool name_trouble(const tusk_error *e)
{
    return e->sqlstate == TUSK_INVALID_SQL_STATEMENT_NAME ||
           e->sqlstate == TUSK_DUPLICATE_PSTATEMENT;
}

/* Names did not survive. On a direct server somebody deallocated them; behind anything else the
 * endpoint is not what it seemed. Either way it is found out anew, and where it happens again and
 * again names are not used any more. */
static void names_lost(tusk_conn *c)
{
    tusk__cache_forget(c);
    if (c->settings.pooler != TUSK__POOLER_AUTO)
        return;
    if (c->profile != TUSK__PROFILE_DIRECT)
        tusk__session_set_profile(c, TUSK__PROFILE_UNAWARE);
    tusk__session_forget_endpoint(c);
}

void tusk__heal_note(tusk_conn *c, tusk_req *r)
{
    const tusk_error *e = &c->group_error;
    tusk__stmt *s = r->stmt;
    bool foreign = name_trouble(e) && tusk__profile_foreign_name(e->message);
    r->heal = TUSK__HEAL_NONE;
    r->suspect = false;
    if (name_trouble(e) && (foreign || s != NULL) && ++c->names_lost > MAX_LOST)
        c->nameless = true;
    if (no_binary_output(e) && r->binary) {
        r->heal = TUSK__HEAL_AS_TEXT;
        if (s != NULL)
            s->text_only = true;
    } else if (foreign || stale_plan(e)) {
        /* a one-shot has no name that could be lost, but a tracker may have mixed up its own */
        r->heal = TUSK__HEAL_AGAIN;
        if (tusk__stmt_current(r))
            tusk__stmt_renew(c, s);
    } else if (s != NULL && name_trouble(e)) {
        if (s->state == TUSK__STMT_READY && tusk__stmt_current(r))
            s->state = TUSK__STMT_BURNED;
        names_lost(c);
        r->heal = TUSK__HEAL_AGAIN;
    } else if (s != NULL && outdated(r, e)) {
        r->suspect = true;
        r->heal = TUSK__HEAL_AGAIN;
    }
}

void tusk__healed(tusk_conn *c, tusk_req *r)
{
    if (r->suspect && tusk__stmt_current(r))
        tusk__stmt_renew(c, r->stmt);
}

/* What was encoded before: the SQL text of its Parse if it had one, and Bind's arguments. */
typedef struct sent_request {
    tusk_slice sql, types,
        arguments; /* types: the count and the oids; arguments: formats and values */
} sent_request;

static bool reread(const tusk_conn *c, const tusk_req *r, sent_request *q)
{
    tusk__reader all =
        tusk__reader_of(c->out.buf.data + (r->begin - c->out.base), (size_t)(r->end - r->begin));
    memset(q, 0, sizeof *q);
    while (tusk__reader_left(&all) > 0) {
        uint8_t type = tusk__read_u8(&all);
        size_t len = tusk__read_u32(&all) - 4;
        tusk__reader m = tusk__reader_of(tusk__read_bytes(&all, len), len);
        if (all.bad)
            return false;
        if (type == 'P') {
            tusk__read_cstr(&m, NULL);
            q->sql.ptr = tusk__read_cstr(&m, &q->sql.len);
            q->types = (tusk_slice){(const char *)m.at, tusk__reader_left(&m)};
        } else if (type == 'B') {
            tusk__read_cstr(&m, NULL);
            tusk__read_cstr(&m, NULL);
            q->arguments = (tusk_slice){(const char *)m.at, tusk__reader_left(&m)};
        }
    }
    return r->describe ? q->sql.ptr != NULL : q->arguments.ptr != NULL;
}

static void put_slice(tusk_buf *out, tusk_slice s)
{
    tusk_put_bytes(out, s.ptr, s.len);
}

static void put_parse(tusk_buf *out, const tusk__stmt *s, const sent_request *q,
                      uint32_t generation)
{
    size_t mark = tusk__message_begin(out, 'P');
    tusk_put_u8(out, 0);
    if (s != NULL) {
        tusk_put_bytes(out, s->sql, s->sql_len);
        tusk__put_generation(out, s->generation);
        tusk_put_u8(out, 0);
        tusk_put_u16(out, (uint16_t)s->noids);
        for (size_t i = 0; i < s->noids; i++)
            tusk_put_u32(out, s->oids[i]);
    } else {
        put_slice(out, q->sql);
        tusk__put_generation(out, generation);
        tusk_put_u8(out, 0);
        put_slice(out, q->types);
    }
    tusk__message_end(out, mark);
}

/* Bind's last two words are "one result format" and which; only those and the name change. */
static void put_bind(tusk_buf *out, const sent_request *q, int16_t format)
{
    size_t mark = tusk__message_begin(out, 'B');
    tusk_put_u16(out, 0);
    tusk_put_bytes(out, q->arguments.ptr, q->arguments.len - 4);
    tusk_put_u16(out, 1);
    tusk_put_u16(out, (uint16_t)format);
    tusk__message_end(out, mark);
}

/* The group as a one-shot; what it is to be answered with. */
static tusk__plan put_again(tusk_conn *c, tusk_buf *again, const tusk_req *r, const sent_request *q)
{
    put_parse(again, r->stmt, q, r->heal == TUSK__HEAL_AGAIN ? tusk__new_generation(c, 0) : 0);
    if (r->describe) {
        tusk__encode_describe(again, 'S', "");
        return TUSK__PLAN6(TUSK__PARSE, TUSK__PARAMS, TUSK__COLUMNS, TUSK__READY, 0, 0);
    }
    put_bind(again, q, r->binary ? TUSK_FORMAT_BINARY : TUSK_FORMAT_TEXT);
    tusk__encode_describe(again, 'P', "");
    tusk__encode_execute(again);
    return TUSK__PLAN6(TUSK__PARSE, TUSK__BIND, TUSK__COLUMNS, TUSK__EXECUTE, TUSK__READY, 0);
}

static bool send_again(tusk_conn *c, tusk_req *r)
{
    sent_request q;
    tusk_buf again;
    if (!reread(c, r, &q))
        return false;
    tusk_buf_init(&again, 0, c->alloc, c->alloc_ud);
    tusk__plan plan = put_again(c, &again, r, &q);
    size_t executed = again.len;
    tusk__encode_empty(&again, 'S');
    tusk_buf *out = &c->out.buf;
    uint64_t begin = tusk__out_position(&c->out);
    if (again.status == TUSK_OK)
        tusk_put_bytes(out, again.data, again.len);
    bool queued = again.status == TUSK_OK && out->status == TUSK_OK;
    if (queued) {
        r->begin = begin;
        r->executed = begin + executed;
        r->end = begin + again.len;
        r->plan = plan;
        tusk__session_trace_out(c, out, tusk__buf_mark(out) - again.len);
    }
    tusk_buf_free(&again);
    return queued;
}

bool tusk__heal(tusk_conn *c, tusk_req *r, char tx_before, char tx_after)
{
    bool alone = r == c->head && (r->next == NULL || r->next->held) && r->sync && c->current == r &&
                 !r->open && !c->cancelling;
    bool no_tx = (tx_before == 'I' && tx_after == 'I') || TUSK__PLANT(RETRY_IN_TX);
    if (r->heal == TUSK__HEAL_NONE || !alone || r->many != NULL || r->portal || !no_tx ||
        r->cancel || r->custom_formats || r->tries >= MAX_TRIES)
        return false;
    r->tries++;
    r->binary = r->binary && r->heal != TUSK__HEAL_AS_TEXT;
    if (!send_again(c, r))
        return false;
    tusk__queue_restart(c, r);
    return true;
}
