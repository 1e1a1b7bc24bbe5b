/* proto/decode.c: every backend message but the row's values, which are left where they are. */
#include "proto/decode.h"
#include "proto/bytes.h"
#include "proto/short_text.h"

static tusk__reader body(const tusk__frame *f)
{
    return tusk__reader_of(f->body, f->len);
}

static int ended(const tusk__reader *r)
{
    return tusk__reader_end(r) ? TUSK_OK : TUSK_EPROTO;
}

int tusk__decode_authentication(const tusk__frame *f, uint32_t *code, tusk_slice *rest)
{
    tusk__reader r = body(f);
    *code = tusk__read_u32(&r);
    if (r.bad)
        return TUSK_EPROTO;
    rest->ptr = (const char *)r.at;
    rest->len = tusk__reader_left(&r);
    return TUSK_OK;
}

int tusk__decode_sasl_mechanisms(tusk_slice rest, void (*each)(void *ud, const char *name),
                                 void *ud)
{
    tusk__reader r = tusk__reader_of(rest.ptr, rest.len);
    for (int n = 0;; n++) {
        const char *name = tusk__read_cstr(&r, NULL);
        if (name[0] == '\0')
            return n > 0 ? ended(&r) : TUSK_EPROTO;
        each(ud, name);
    }
}

int tusk__decode_backend_key(const tusk__frame *f, uint32_t protocol, int32_t *pid, tusk_slice *key)
{
    tusk__reader r = body(f);
    *pid = tusk__read_i32(&r);
    size_t max = protocol >= TUSK__PROTOCOL_3_2 ? 256 : 4;
    key->len = tusk__reader_left(&r);
    key->ptr = (const char *)tusk__read_bytes(&r, key->len);
    return !r.bad && key->len >= 4 && key->len <= max ? TUSK_OK : TUSK_EPROTO;
}

int tusk__decode_parameter_status(const tusk__frame *f, const char **name, const char **value)
{
    tusk__reader r = body(f);
    *name = tusk__read_cstr(&r, NULL);
    *value = tusk__read_cstr(&r, NULL);
    return ended(&r);
}

int tusk__decode_negotiate(const tusk__frame *f, uint32_t *version, int32_t *options)
{
    tusk__reader r = body(f);
    *version = tusk__read_u32(&r);
    *options = tusk__read_i32(&r);
    for (int32_t i = 0; i < *options && !r.bad; i++)
        tusk__read_cstr(&r, NULL);
    return *options < 0 ? TUSK_EPROTO : ended(&r);
}

int tusk__decode_notification(const tusk__frame *f, int32_t *pid, tusk_slice *channel,
                              tusk_slice *payload)
{
    tusk__reader r = body(f);
    *pid = tusk__read_i32(&r);
    channel->ptr = tusk__read_cstr(&r, &channel->len);
    payload->ptr = tusk__read_cstr(&r, &payload->len);
    return ended(&r);
}

int tusk__decode_ready(const tusk__frame *f, char *tx)
{
    tusk__reader r = body(f);
    *tx = (char)tusk__read_u8(&r);
    if (*tx != 'I' && *tx != 'T' && *tx != 'E')
        return TUSK_EPROTO;
    return ended(&r);
}

/* The number at the end of a tag; 0 if there is none or it might not fit. */
static inline uint64_t tag_rows(const char *tag, size_t len)
{
    enum { DIGITS = 19 };
    uint64_t n = 0, unit = 1;
    size_t at = len;
    for (; at > 0 && tag[at - 1] >= '0' && tag[at - 1] <= '9'; at--) {
        n += unit * (uint64_t)(tag[at - 1] - '0');
        unit *= 10;
    }
    return at > 0 && tag[at - 1] == ' ' && len - at <= DIGITS ? n : 0;
}

int tusk__decode_command_complete(const tusk__frame *f, char *copy, size_t room, uint64_t *rows)
{
    tusk__reader r = body(f);
    size_t len = f->len - 1, kept = len < room ? len : room;
    const char *tag = (const char *)tusk__read_bytes(&r, len);
    if (tusk__read_u8(&r) != 0 || !tusk__reader_end(&r) || !tusk__copy_text(copy, tag, kept))
        return TUSK_EPROTO;
    *rows = tag_rows(tag, len);
    return len == kept || memchr(tag + kept, 0, len - kept) == NULL ? TUSK_OK : TUSK_EPROTO;
}

int tusk__decode_copy_response(const tusk__frame *f, int *format, int *columns)
{
    tusk__reader r = body(f);
    *format = tusk__read_u8(&r);
    *columns = tusk__read_i16(&r);
    if (*format > 1 || *columns < 0)
        return TUSK_EPROTO;
    for (int i = 0; i < *columns && !r.bad; i++)
        if (tusk__read_u16(&r) > 1)
            return TUSK_EPROTO;
    return ended(&r);
}

int tusk__decode_column_count(const tusk__frame *f, int *n)
{
    tusk__reader r = body(f);
    *n = tusk__read_i16(&r);
    /* A column takes at least 19 bytes: a count that cannot be true must not size an array. */
    return !r.bad && *n >= 0 && (size_t)*n <= tusk__reader_left(&r) / 19 ? TUSK_OK : TUSK_EPROTO;
}

int tusk__decode_columns(const tusk__frame *f, tusk_column *columns, int n)
{
    tusk__reader r = body(f);
    tusk__read_u16(&r);
    for (int i = 0; i < n && !r.bad; i++) {
        tusk_column *c = &columns[i];
        c->name.ptr = tusk__read_cstr(&r, &c->name.len);
        c->table = tusk__read_u32(&r);
        c->attnum = tusk__read_i16(&r);
        c->oid = tusk__read_u32(&r);
        c->typlen = tusk__read_i16(&r);
        c->typmod = tusk__read_i32(&r);
        c->format = tusk__read_i16(&r);
        if (c->format != TUSK_FORMAT_TEXT && c->format != TUSK_FORMAT_BINARY)
            return TUSK_EPROTO;
    }
    return ended(&r);
}

int tusk__decode_param_count(const tusk__frame *f, int *n)
{
    tusk__reader r = body(f);
    *n = tusk__read_u16(&r);
    return !r.bad && (size_t)*n * 4 == tusk__reader_left(&r) ? TUSK_OK : TUSK_EPROTO;
}

int tusk__decode_params(const tusk__frame *f, uint32_t *oids, int n)
{
    tusk__reader r = body(f);
    tusk__read_u16(&r);
    for (int i = 0; i < n; i++)
        oids[i] = tusk__read_u32(&r);
    return ended(&r);
}

int tusk__decode_row(const tusk__frame *f, tusk_cell *cells, int n)
{
    return tusk__row_cells(f->body, f->len, cells, n) ? TUSK_OK : TUSK_EPROTO;
}

static uint32_t sqlstate_of(const char *s)
{
    uint32_t state = 0;
    for (unsigned i = 0; i < 5; i++) {
        bool digit = s[i] >= '0' && s[i] <= '9', letter = s[i] >= 'A' && s[i] <= 'Z';
        if (!digit && !letter)
            return 0;
        state |= (uint32_t)(s[i] - '0') << (6 * i);
    }
    return s[5] == '\0' ? state : 0;
}

int tusk__decode_error(const tusk__frame *f, tusk_error *e)
{
    tusk__reader r = body(f);
    *e = (tusk_error){
        .status = TUSK_ESERVER, .message = "", .fields = f->body, .fields_len = f->len};
    for (;;) {
        uint8_t code = tusk__read_u8(&r);
        if (code == 0)
            return ended(&r);
        const char *text = tusk__read_cstr(&r, NULL);
        if (code == 'C' && e->sqlstate == 0)
            e->sqlstate = sqlstate_of(text);
        else if (code == 'M' && e->message[0] == '\0')
            e->message = text;
    }
}

const char *tusk_error_field(const tusk_error *e, char field)
{
    if (e == NULL || e->fields == NULL)
        return NULL;
    tusk__reader r = tusk__reader_of(e->fields, e->fields_len);
    for (;;) {
        uint8_t code = tusk__read_u8(&r);
        if (code == 0)
            return NULL;
        const char *text = tusk__read_cstr(&r, NULL);
        if (code == (uint8_t)field)
            return r.bad ? NULL : text;
    }
}
