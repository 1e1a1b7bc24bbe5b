/* proto/decode.h: backend messages, checked to the last byte. Each decoder returns TUSK_OK, or
 * TUSK_EPROTO if the body is not exactly what the protocol says. What they give out are views into
 * the body. */
#ifndef TUSK_PROTO_DECODE_H
#define TUSK_PROTO_DECODE_H

#include "proto/frame.h"
#include <tusk/conn.h>

/* Messages that have no body at all. */
static inline int tusk__decode_empty(const tusk__frame *f)
{
    return f->len == 0 ? TUSK_OK : TUSK_EPROTO;
}

/* The code of AuthenticationXXX; what follows it goes to *rest. */
int tusk__decode_authentication(const tusk__frame *, uint32_t *code, tusk_slice *rest);
/* Calls each(ud, name) for every mechanism of AuthenticationSASL: at least one. */
int tusk__decode_sasl_mechanisms(tusk_slice rest, void (*each)(void *ud, const char *name),
                                 void *ud);
/* The key is 4 bytes in protocol 3.0, 4 to 256 in 3.2. */
int tusk__decode_backend_key(const tusk__frame *, uint32_t protocol, int32_t *pid, tusk_slice *key);
int tusk__decode_parameter_status(const tusk__frame *, const char **name, const char **value);
/* Counts and validates the options; *version is what the server offers. */
int tusk__decode_negotiate(const tusk__frame *, uint32_t *version, int32_t *options);
int tusk__decode_notification(const tusk__frame *, int32_t *pid, tusk_slice *channel,
                              tusk_slice *payload);
/* 'I', 'T' or 'E'. */
int tusk__decode_ready(const tusk__frame *, char *tx);
/* The tag is all of the body but its last byte. As much of it as there is room for is copied; *rows
 * is the count at its end, 0 if there is none. */
int tusk__decode_command_complete(const tusk__frame *, char *copy, size_t room, uint64_t *rows);
/* CopyInResponse and its kin: overall format, and the number of columns. */
int tusk__decode_copy_response(const tusk__frame *, int *format, int *columns);

/* RowDescription: the number of columns first, then one column at a time into *columns. */
int tusk__decode_column_count(const tusk__frame *, int *n);
int tusk__decode_columns(const tusk__frame *, tusk_column *columns, int n);
/* ParameterDescription likewise. */
int tusk__decode_param_count(const tusk__frame *, int *n);
int tusk__decode_params(const tusk__frame *, uint32_t *oids, int n);

/* DataRow: offsets and lengths of exactly n columns, in one pass. */
int tusk__decode_row(const tusk__frame *, tusk_cell *cells, int n);
/* The same of a body, for those who do nothing but that. False: it is not exactly that. A length
 * that is neither NULL's nor one takes the position beyond every end. */
static inline bool tusk__row_cells(const uint8_t *body, size_t len, tusk_cell *cells, int n)
{
    const uint32_t null_length = UINT32_MAX;
    uint64_t at = 2;
    if (len < 2 || (body[0] << 8 | body[1]) != n)
        return false;
    if (n == 0) /* then there are no cells at all, not even a pointer to count from */
        return len == 2;
    if (len < 6)
        return false;
    for (tusk_cell *cell = cells, *last = cells + n; cell < last; cell++) {
        if (at > len - 4)
            return false;
        uint32_t size = tusk__load32(body + at);
        at += 4;
        cell->at = (uint32_t)at;
        cell->len = (int32_t)size;
        if (size != null_length)
            at += size;
    }
    return at == len;
}

/* ErrorResponse and NoticeResponse: checks the list of fields and fills in the error: message ""
 * and sqlstate 0 where the server left them out. */
int tusk__decode_error(const tusk__frame *, tusk_error *);

#endif
