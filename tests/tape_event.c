/* tests/tape_event.c: callbacks, and the answers to questions, in the words of a tape. */
#include "tests/tape.h"

#include <stdlib.h>
#include <string.h>

static void put_text(bytes *out, const char *s)
{
    bytes_u8(out, ' ');
    tape_quote(out, s, strlen(s));
}

static void put_slice(bytes *out, tusk_slice s)
{
    bytes_u8(out, ' ');
    tape_quote(out, s.ptr, s.len);
}

/* Five characters; - for none. */
static void put_sqlstate(bytes *out, uint32_t state)
{
    bytes_u8(out, ' ');
    if (state == 0)
        bytes_u8(out, '-');
    for (int i = 0; i < 5 && state != 0; i++)
        bytes_u8(out, '0' + (state >> (6 * i) & 0x3f));
}

static void put_error(bytes *out, const tusk_error *e)
{
    put_sqlstate(out, e->sqlstate);
    put_text(out, e->message);
}

static void put_notice(bytes *out, const tusk_error *e)
{
    const char *severity = tusk_error_field(e, 'S');
    bytes_printf(out, " %.40s", severity != NULL ? severity : "-");
    put_error(out, e);
}

static void put_columns(bytes *out, const tusk_column *columns, int n)
{
    for (int i = 0; i < n; i++) {
        char *name = must_copy(columns[i].name.ptr, columns[i].name.len);
        tape_column c = {.name = name,
                         .name_len = columns[i].name.len,
                         .oid = columns[i].oid,
                         .table = columns[i].table,
                         .typmod = columns[i].typmod,
                         .attnum = columns[i].attnum,
                         .typlen = columns[i].typlen,
                         .format = columns[i].format};
        bytes_u8(out, ' ');
        tape_column_print(out, &c);
        free(name);
    }
}

static void put_row(bytes *out, const tusk_row *row, bool many)
{
    if (many)
        bytes_printf(out, " #%llu", (unsigned long long)row->item);
    for (int i = 0; i < tusk_row_width(row); i++) {
        tusk_value v = tusk_col(row, i);
        if (tusk_is_null(v))
            bytes_str(out, " NULL");
        else
            put_slice(out, (tusk_slice){(const char *)v.ptr, (size_t)v.len});
    }
}

static void put_outcome(bytes *out, const tusk_outcome *o, bool many)
{
    static const char *const fates[] = {"DONE", "FAILED", "NOT_SENT", "UNKNOWN"};
    bytes_printf(out, " %s %s", (unsigned)o->fate < 4 ? fates[o->fate] : "?",
                 tape_status_name(o->status));
    put_slice(out, o->tag);
    bytes_printf(out, " %llu %c", (unsigned long long)o->rows, o->tx != 0 ? o->tx : '-');
    if (many)
        bytes_printf(out, " #%llu", (unsigned long long)o->items);
    if (o->more)
        bytes_str(out, " more");
    if (o->error != NULL)
        put_error(out, o->error);
}

/* password "host" port "user" "dbname", and for a token what is known: issuer="..." ... */
static void put_ask(bytes *out, const subject_news *news)
{
    bytes_u8(out, ' ');
    bytes_add(out, news->text.ptr, news->text.len);
    put_text(out, news->ask->host);
    bytes_printf(out, " %u", news->ask->port);
    put_text(out, news->ask->user);
    put_text(out, news->ask->dbname);
    const struct {
        const char *name, *value;
    } more[] = {{" issuer=", news->ask->issuer},
                {" client_id=", news->ask->client_id},
                {" client_secret=", news->ask->client_secret},
                {" scope=", news->ask->scope},
                {" discovery=", news->ask->discovery}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (more[i].value == NULL)
            continue;
        bytes_str(out, more[i].name);
        tape_quote(out, more[i].value, strlen(more[i].value));
    }
}

void tape_event_line(const tape *t, const subject_news *news, bytes *out)
{
    if (news->call != NULL)
        bytes_printf(out, "%s ", t->queries[news->call->index].label);
    bytes_str(out, tape_event_name(news->event));
    bool many = news->call != NULL && (t->queries[news->call->index].flags & TUSK_MANY) != 0;
    switch (news->event) {
    case SUBJECT_NOTIFY:
        put_slice(out, news->text);
        put_slice(out, news->payload);
        bytes_printf(out, " %d", (int)news->pid);
        break;
    case SUBJECT_NOTICE:
        put_notice(out, news->error);
        break;
    case SUBJECT_CLOSED:
        if (news->error != NULL) {
            bytes_printf(out, " %s", tape_status_name(news->error->status));
            put_error(out, news->error);
        }
        break;
    case SUBJECT_PARAMS:
        for (int i = 0; i < news->n; i++) {
            const char *name = tape_type_name(news->oids[i]);
            if (name != NULL)
                bytes_printf(out, " %s", name);
            else
                bytes_printf(out, " %u", news->oids[i]);
        }
        break;
    case SUBJECT_COLUMNS:
        put_columns(out, news->columns, news->n);
        break;
    case SUBJECT_ROW:
        put_row(out, news->row, many);
        break;
    case SUBJECT_BYTES:
        put_slice(out, news->text);
        break;
    case SUBJECT_ASK:
        put_ask(out, news);
        break;
    case SUBJECT_DONE:
        put_outcome(out, news->outcome, many);
        break;
    default:
        break;
    }
}

/* ── questions ── */

static void answer_wants(subject *s, bytes *out)
{
    static const char *const names[] = {"RECV", "SEND", "TLS", "DEAD", "CANCEL"};
    unsigned wants = subject_wants(s);
    if (wants == 0)
        bytes_str(out, " -");
    for (unsigned i = 0; i < 5; i++)
        if ((wants & 1u << i) != 0)
            bytes_printf(out, " %s", names[i]);
}

static void answer_param(subject *s, const tape_tokens *words, bytes *out)
{
    if (words->n < 2)
        return;
    bytes_printf(out, " %.80s", words->at[1]);
    const char *value = tusk_conn_param(s->conn, words->at[1]);
    if (value != NULL)
        put_text(out, value);
    else
        bytes_str(out, " NULL");
}

static void answer_discovery(subject *s, bytes *out)
{
    const char *scope, *url = tusk_oauth_discovery(s->conn, &scope);
    if (url == NULL) {
        bytes_str(out, " NULL");
        return;
    }
    put_text(out, url);
    if (scope != NULL)
        put_text(out, scope);
}

void tape_answer(subject *s, const tape_tokens *words, bytes *out)
{
    const char *what = words->at[0];
    bytes_printf(out, "%.40s", what);
    if (s->conn == NULL)
        bytes_str(out, " gone");
    else if (strcmp(what, "wants") == 0)
        answer_wants(s, out);
    else if (strcmp(what, "param") == 0)
        answer_param(s, words, out);
    else if (strcmp(what, "discovery") == 0)
        answer_discovery(s, out);
    else if (strcmp(what, "tx") == 0)
        bytes_printf(out, " %c", tusk_conn_tx(s->conn) != 0 ? tusk_conn_tx(s->conn) : '-');
    else if (strcmp(what, "pid") == 0)
        bytes_printf(out, " %d", (int)tusk_conn_pid(s->conn));
    else if (strcmp(what, "version") == 0)
        bytes_printf(out, " %d", tusk_conn_server_version(s->conn));
    else if (strcmp(what, "endpoint") == 0)
        put_text(out, tusk_conn_endpoint(s->conn));
    else if (strcmp(what, "errmsg") == 0)
        put_text(out, tusk_errmsg(s->conn));
    else
        bytes_str(out, " is no question");
}
