/* tusk/copy.h: gzip on the fly, for COPY data on its way to or from a file (or anything else): bytes in,
 * bytes out through a callback, a bounded amount of memory in between. */
#ifndef TUSK_COPY_H
#define TUSK_COPY_H

#include <tusk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tusk_gzip tusk_gzip;

/* Takes a piece of output; anything but TUSK_OK ends the filter and is returned by the call that caused
 * it. The slice is valid until the function returns. */
typedef int tusk_bytes_fn(void *ud, tusk_slice);

/* A filter that compresses (level 1 to 9, 0: zlib's default) or decompresses. TUSK_ENOMEM. */
TUSK_API int tusk_gzip_deflate(tusk_gzip **, int level, tusk_bytes_fn *, void *ud);
/* Several members one after another are one stream, as gzip itself has it. */
TUSK_API int tusk_gzip_inflate(tusk_gzip **, tusk_bytes_fn *, void *ud);
/* Passes bytes through. TUSK_EDATA: they are not gzip. */
TUSK_API int tusk_gzip_put(tusk_gzip *, tusk_slice);
/* The end of the input: writes what is left. TUSK_EDATA: the compressed data was cut short. */
TUSK_API int tusk_gzip_end(tusk_gzip *);
/* Bytes so far on the two sides; after TUSK_EDATA, in is where the fault was noticed. */
TUSK_API uint64_t tusk_gzip_total_in(const tusk_gzip *);
TUSK_API uint64_t tusk_gzip_total_out(const tusk_gzip *);
TUSK_API void tusk_gzip_free(tusk_gzip *);

#ifdef __cplusplus
}
#endif
#endif
