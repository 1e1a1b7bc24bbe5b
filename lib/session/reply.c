/* lib/session/reply.c: the server's answers to requests, message by message. */
#include <string.h>
#include "lib/session/session.h"
#include "proto/decode.h"

inline int tusk__on_done(tusk_conn *c, const tusk__frame *f)
{
    int status = tusk__decode_empty(f);
    if (status == TUSK_OK)
        tusk__queue_advance(c);
    return status;
}

int tusk__on_parse(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    if (r->prepares && r->tries == 0 && tusk__stmt_current(r)) {
        r->stmt->state = TUSK__STMT_READY;
        tusk_buf_clear(&r->stmt->parse_error);
    }
    return tusk__on_done(c, f);
}

int tusk__on_early_close(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    for (unsigned at = 0; r->plan >> at != 0; at += TUSK__PLAN_BITS) {
        if (((r->plan >> at) & 31) != TUSK__CLOSE)
            continue;
        tusk__plan before = r->plan & (((tusk__plan)1 << at) - 1);
        r->plan = before | (r->plan >> (at + TUSK__PLAN_BITS)) << at;
        return tusk__decode_empty(f);
    }
    return tusk__session_unexpected(c, f);
}

/* Behind an error: the answer that a pooler gave instead of the server, which skipped the message.
 */
int tusk__on_late(tusk_conn *c, const tusk__frame *f)
{
    if (c->late == 0)
        return tusk__session_unexpected(c, f);
    c->late--;
    return tusk__decode_empty(f);
}

int tusk__on_params(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    int n;
    int status = tusk__decode_param_count(f, &n);
    if (status == TUSK_OK && r->describe && r->sink->params != NULL) {
        uint32_t *oids = tusk__session_alloc(c, NULL, ((size_t)n + 1) * sizeof *oids);
        if (oids == NULL)
            return TUSK_ENOMEM;
        status = tusk__decode_params(f, oids, n);
        if (status == TUSK_OK)
            r->sink->params(r->ud, oids, n);
        tusk__session_alloc(c, oids, 0);
    }
    if (status == TUSK_OK && c->phase != TUSK__DEAD)
        tusk__queue_advance(c);
    return status;
}

/* Are its columns those that the statement remembers? A request that was healed went out again
 * without the name. */
static bool by_name(const tusk_req *r)
{
    return r->stmt != NULL && r->tries == 0 && !r->columns_anew;
}

/* Where the columns of the current result are. */
static inline tusk__description *description(tusk_conn *c)
{
    return by_name(c->current) ? &c->current->stmt->description : &c->unnamed;
}

static inline void tell_columns(const tusk_req *r, const tusk__description *d)
{
    if (r->sink->columns != NULL && !r->skip_rows)
        r->sink->columns(r->ud, d->columns, d->n);
}

/* Describe of a statement reports format 0 always: what holds is what this Bind asked for. */
static inline void apply_format(tusk__description *d, int16_t format)
{
    if (d->n > 0 && d->columns[0].format == format)
        return;
    for (int i = 0; i < d->n; i++)
        d->columns[i].format = format;
}

static int16_t result_format(const tusk_req *r)
{
    return r->binary ? TUSK_FORMAT_BINARY : TUSK_FORMAT_TEXT;
}

int tusk__on_columns(tusk_conn *c, const tusk__frame *f)
{
    int status = tusk__description_set(description(c), c, f);
    if (status != TUSK_OK)
        return status;
    if (c->current->many != NULL)
        apply_format(description(c), result_format(c->current));
    if (!by_name(c->current)) /* a named statement's are told at BindComplete, each time */
        tell_columns(c->current, &c->unnamed);
    if (c->phase != TUSK__DEAD)
        tusk__queue_advance(c);
    return TUSK_OK;
}

int tusk__on_no_columns(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    int status = tusk__decode_empty(f);
    if (status != TUSK_OK)
        return status;
    tusk__description_none(description(c));
    if (r->describe && r->sink->columns != NULL)
        r->sink->columns(r->ud, NULL, 0);
    if (c->phase != TUSK__DEAD)
        tusk__queue_advance(c);
    return TUSK_OK;
}

int tusk__on_bind(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    int status = tusk__decode_empty(f);
    if (status != TUSK_OK)
        return status;
    if (by_name(r)) {
        tusk__description *d = &r->stmt->description;
        apply_format(d, result_format(r));
        if (d->n >= 0)
            tell_columns(r, d);
    } else if (r->many == NULL) { /* else the columns of all items were told already */
        tusk__description_none(&c->unnamed);
    }
    if (c->phase != TUSK__DEAD)
        tusk__queue_advance(c);
    return TUSK_OK;
}

int tusk__session_width(const tusk_conn *c)
{
    const tusk_req *r = c->current;
    return by_name(r) ? r->stmt->description.n : c->unnamed.n;
}

int tusk__obey(tusk_conn *c, tusk_req *r, int wish)
{
    if (wish == TUSK_OK || wish == TUSK_EAGAIN || c->phase == TUSK__DEAD)
        return c->phase == TUSK__DEAD ? TUSK_OK : wish;
    r->skip_rows = true;
    return TUSK_OK;
}

/* Which of a request's executions its rows belong to. */
static uint64_t execution(const tusk_req *r)
{
    return r->many != NULL ? r->many->answered : 0;
}

int tusk__on_row(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    const tusk__description *d = description(c);
    if (d->n < 0)
        return TUSK_EPROTO;
    int status = tusk__decode_row(f, c->cells, d->n);
    if (status != TUSK_OK || r->skip_rows || r->sink->row == NULL)
        return status;
    tusk_row row = {f->body, c->cells, d->columns, d->n, execution(r)};
    int wish = r->sink->row(r->ud, &row);
    return wish == TUSK_OK ? TUSK_OK : tusk__obey(c, r, wish);
}

/* May another row be taken as the last one was? What a callback can have changed. */
static bool undisturbed(const tusk_conn *c)
{
    return c->phase == TUSK__IDLE && !c->resume_asked && c->trace == NULL;
}

size_t tusk__on_rows(tusk_conn *c, const uint8_t *data, size_t len, int *status)
{
    tusk_req *r = c->current;
    const tusk__description *d = description(c);
    size_t used = 0;
    *status = TUSK_OK;
    if (d->n < 0 || r->skip_rows || r->sink->row == NULL || c->trace != NULL || c->spare_ready)
        return 0;
    tusk_row row = {NULL, c->cells, d->columns, d->n, execution(r)};
    while (len - used > 5 && data[used] == 'D' && *status == TUSK_OK) {
        uint32_t length = tusk__load32(data + used + 1);
        if (length < 4 || length > c->settings.max_message || length > len - used - 1)
            break;
        row.bytes = data + used + 5;
        if (!tusk__row_cells(row.bytes, length - 4, c->cells, row.width))
            break;
        used += (size_t)length + 1;
        int wish = r->sink->row(r->ud, &row);
        if (wish != TUSK_OK || !undisturbed(c)) {
            *status = tusk__obey(c, r, wish);
            break;
        }
    }
    return used;
}

/* The server forgot its statements: so do we. */
static void note_tag(tusk_conn *c, tusk_slice tag)
{
    static const struct {
        const char *tag;
        uint8_t dirt;
    } leaves[] = {{"SET", TUSK__DIRT_STATE},     {"LISTEN", TUSK__DIRT_STATE},
                  {"CREATE", TUSK__DIRT_STATE},  {"DECLARE", TUSK__DIRT_STATE},
                  {"PREPARE", TUSK__DIRT_NAMES}, {"LOAD", TUSK__DIRT_STATE}};
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        size_t n = strlen(leaves[i].tag);
        if (tag.len >= n && memcmp(tag.ptr, leaves[i].tag, n) == 0)
            c->dirt |= leaves[i].dirt;
    }
    if ((tag.len == 11 && memcmp(tag.ptr, "DISCARD ALL", 11) == 0) ||
        (tag.len == 14 && memcmp(tag.ptr, "DEALLOCATE ALL", 14) == 0))
        tusk__cache_forget(c);
}

static inline bool ends_in_digit(tusk_slice tag)
{
    char last = tag.len > 0 ? tag.ptr[tag.len - 1] : 0;
    return last >= '0' && last <= '9';
}

static inline int take_tag(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    uint64_t before = r->many != NULL ? r->rows : 0;
    int status = tusk__decode_command_complete(f, r->tag, sizeof r->tag, &r->rows);
    if (status != TUSK_OK)
        return status;
    tusk_slice tag = {(const char *)f->body, f->len - 1};
    r->answered = true;
    r->rows += before;
    r->tag_len = (uint8_t)(tag.len < sizeof r->tag ? tag.len : sizeof r->tag);
    if (!ends_in_digit(tag)) /* a count of rows: queries, and nearly all that is run often */
        note_tag(c, tag);
    return TUSK_OK;
}

int tusk__on_command_complete(tusk_conn *c, const tusk__frame *f)
{
    int status = take_tag(c, f);
    if (status == TUSK_OK)
        tusk__queue_advance(c);
    return status;
}

int tusk__on_empty(tusk_conn *c, const tusk__frame *f)
{
    return tusk__on_done(c, f);
}

int tusk__on_simple_columns(tusk_conn *c, const tusk__frame *f)
{
    int status = tusk__description_set(&c->unnamed, c, f);
    c->current->await = TUSK__SIMPLE_ROWS;
    if (status == TUSK_OK)
        tell_columns(c->current, &c->unnamed);
    return status;
}

int tusk__on_simple_complete(tusk_conn *c, const tusk__frame *f)
{
    c->current->await = TUSK__SIMPLE;
    tusk__description_none(&c->unnamed);
    return take_tag(c, f);
}

int tusk__on_simple_empty(tusk_conn *c, const tusk__frame *f)
{
    c->current->answered = true;
    return tusk__decode_empty(f);
}

int tusk__on_copy_out(tusk_conn *c, const tusk__frame *f)
{
    int format, columns;
    int status = tusk__decode_copy_response(f, &format, &columns);
    c->current->await = TUSK__COPY_OUT;
    return status;
}

int tusk__on_copy_data(tusk_conn *c, const tusk__frame *f)
{
    tusk_req *r = c->current;
    if (r->skip_rows || r->sink->bytes == NULL)
        return TUSK_OK;
    return tusk__obey(c, r, r->sink->bytes(r->ud, (tusk_slice){(const char *)f->body, f->len}));
}

int tusk__on_copy_done(tusk_conn *c, const tusk__frame *f)
{
    c->current->await = c->current->simple ? TUSK__SIMPLE_END : TUSK__COMPLETE;
    return tusk__decode_empty(f);
}

/* Keeps an ErrorResponse beyond its message. Without memory for its words the error still is one,
 * and programs that decide by SQLSTATE still can. */
static void copy_error(tusk_error *to, tusk_buf *body, const uint8_t *p, size_t n)
{
    tusk__frame f = {'E', TUSK__B_ERROR_RESPONSE, p, n};
    tusk__decode_error(&f, to);
    tusk_buf_clear(body);
    tusk_put_bytes(body, p, n);
    if (body->status == TUSK_OK) {
        f.body = body->data;
        tusk__decode_error(&f, to);
    } else {
        to->message = "(out of memory for the text of the error)";
        to->fields = NULL;
        to->fields_len = 0;
    }
}

/* A Parse that failed burns the name; requests that were already under way with it are told what
 * the server said then, instead of a 26000 that nobody caused. */
static void note_parse_failure(tusk_conn *c, tusk_req *r, const tusk__frame *f)
{
    tusk__stmt *s = r->stmt;
    if (s == NULL)
        return;
    if (r->prepares && s->state == TUSK__STMT_PREPARING && tusk__stmt_current(r)) {
        s->state = TUSK__STMT_BURNED;
        tusk_buf_clear(&s->parse_error);
        tusk_put_bytes(&s->parse_error, f->body, f->len);
    } else if (!r->prepares && s->parse_error.len > 0 &&
               c->group_error.sqlstate == TUSK_INVALID_SQL_STATEMENT_NAME) {
        copy_error(&c->group_error, &c->group_error_body, s->parse_error.data, s->parse_error.len);
    }
}

static bool is_fatal(const tusk_error *e)
{
    const char *severity = tusk_error_field(e, 'V');
    if (severity == NULL)
        severity = tusk_error_field(e, 'S');
    return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

int tusk__on_error(tusk_conn *c, const tusk__frame *f)
{
    tusk_error e;
    int status = tusk__decode_error(f, &e);
    if (status != TUSK_OK)
        return status;
    if (is_fatal(&e))
        return tusk__on_idle_error(c, f);
    tusk_req *r = c->current;
    if (!c->batch_failed) { /* else it is 25P02: the batch's error has been told */
        if (!tusk__many_taken_back(c, r, &e))
            copy_error(&c->group_error, &c->group_error_body, f->body, f->len);
        note_parse_failure(c, r, f);
        tusk__heal_note(c, r);
    }
    if (r->pulling)
        tusk__pull_failed(c, r);
    if (c->phase == TUSK__DEAD)
        return TUSK_OK;
    if (r->bracket == TUSK__BRACKET_COMMIT && !c->batch_failed)
        ((tusk_req *)r->ud)->status = TUSK_ESERVER;
    tusk__queue_group_failed(c, c->batch_failed ? TUSK_EABORTED : TUSK_ESERVER);
    return TUSK_OK;
}

int tusk__on_ready(tusk_conn *c, const tusk__frame *f)
{
    char tx;
    tusk_req *r = c->current;
    int status = tusk__decode_ready(f, &tx);
    if (status != TUSK_OK || (r->await == TUSK__SIMPLE && !r->answered))
        return TUSK_EPROTO;
    c->spare_ready = c->group_failed && r->copy_in && !r->simple;
    if (TUSK__PLANT(TWO_GROUPS) && r->await == TUSK__READY && r->plan != 0) {
        tusk__queue_advance(c);
        return TUSK_OK;
    }
    tusk__queue_group_done(c, tx);
    return TUSK_OK;
}
