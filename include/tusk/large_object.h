/* tusk/large_object.h: large objects, streamed through SQL functions: values of up to 4 TiB that
 * the server keeps outside of tables, under an oid. Nothing is held in memory beyond a piece on its
 * way, no descriptor stays open, and no transaction is needed, so all of it works behind any
 * pooler. Blocking.
 *
 * A value of less than 1 GiB may as well be a bytea, sent by tusk_item_add or in an argument, and
 * read with tusk_sink.piece. https://www.postgresql.org/docs/current/lo-funcs.html
 *
 * Every call returns TUSK_OK or the status of the statement behind it; tusk_errmsg tells more. The
 * server's error 42704 is an object that is not there, 42501 one that is somebody else's. */
#ifndef TUSK_LARGE_OBJECT_H
#define TUSK_LARGE_OBJECT_H

#include <tusk/copy.h>
#include <tusk/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes an empty one. *oid 0: the server chooses and *oid tells; else this one, 23505 if it is
 * taken. */
TUSK_API int tusk_lo_create(tusk_conn *, uint32_t *oid);
/* Its size in bytes. */
TUSK_API int tusk_lo_size(tusk_conn *, uint32_t oid, int64_t *size);
/* Makes it exactly this long: cut off, or with zeros behind its end. */
TUSK_API int tusk_lo_truncate(tusk_conn *, uint32_t oid, int64_t size);
TUSK_API int tusk_lo_unlink(tusk_conn *, uint32_t oid);

/* Reads from byte `from` on, at most `length` bytes (below 0: to the end), as of one snapshot, and
 * hands them to take() as they arrive. Anything but TUSK_OK from take() cancels the rest and is
 * returned. */
TUSK_API int tusk_lo_read(tusk_conn *, uint32_t oid, int64_t from, int64_t length,
                          tusk_bytes_fn *take, void *ud);

/* Gives the next bytes, of any number, valid until it is called again. 0: there may be more, 1:
 * there are none (nor now), anything below 0: the write is taken back. */
typedef int tusk_lo_give_fn(void *ud, tusk_slice *bytes);

/* Writes what give() gives, from byte `at` on; what is there is overwritten, the rest stays.
 * Outside of a transaction either all of it is written or nothing. *written, if not NULL: how many
 * bytes were taken from give(). give()'s own failure is returned. */
TUSK_API int tusk_lo_write(tusk_conn *, uint32_t oid, int64_t at, tusk_lo_give_fn *give, void *ud,
                           int64_t *written);

#ifdef __cplusplus
}
#endif
#endif
