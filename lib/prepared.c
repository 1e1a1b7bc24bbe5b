/* lib/prepared.c: see tusk/sync.h. A handle is the statement's text and what the server said of it.
 * The session's cache finds the text again, so that nothing here can go stale. */
#include <string.h>
#include <tusk/sync.h>
#include "lib/session/session.h"

struct tusk_prepared {
    tusk_realloc_fn alloc;
    void *alloc_ud;
    tusk_result *description;
    tusk_slice sql;
    char text[];
};

int tusk_prepare(tusk_prepared **out, tusk_conn *c, const char *sql)
{
    *out = NULL;
    size_t len = strlen(sql);
    tusk_request rq = {.sql = {.ptr = sql, .len = len}, .flags = TUSK_DESCRIBE};
    tusk_result *description;
    int status = tusk_exec_request(c, &description, &rq);
    if (status != TUSK_OK) {
        tusk_result_free(description);
        return status;
    }
    tusk_prepared *p = tusk__realloc(c->alloc, c->alloc_ud, NULL, sizeof *p + len + 1);
    if (p == NULL) {
        tusk_result_free(description);
        return tusk__session_refuse(c, TUSK_ENOMEM, "out of memory for a prepared statement");
    }
    *p = (tusk_prepared){.alloc = c->alloc, .alloc_ud = c->alloc_ud, .description = description};
    memcpy(p->text, sql, len + 1);
    p->sql = (tusk_slice){.ptr = p->text, .len = len};
    *out = p;
    return TUSK_OK;
}

const uint32_t *tusk_prepared_params(const tusk_prepared *p, int *n)
{
    return tusk_result_params(p->description, n);
}

const tusk_column *tusk_prepared_columns(const tusk_prepared *p, int *n)
{
    *n = tusk_result_width(p->description);
    return tusk_result_columns(p->description);
}

tusk_request tusk_prepared_request(const tusk_prepared *p, const tusk_arg *args, size_t nargs)
{
    return (tusk_request){.sql = p->sql, .args = args, .nargs = nargs};
}

int tusk_prepared_exec(const tusk_prepared *p, tusk_conn *c, tusk_result **result,
                       const tusk_arg *args, size_t nargs)
{
    int wanted;
    tusk_prepared_params(p, &wanted);
    if (nargs != (size_t)wanted) {
        if (result != NULL)
            *result = NULL;
        return tusk__session_refuse(c, TUSK_EINVAL,
                                    "the prepared statement takes another number of arguments");
    }
    tusk_request rq = tusk_prepared_request(p, args, nargs);
    return tusk_exec_request(c, result, &rq);
}

void tusk_prepared_free(tusk_prepared *p)
{
    if (p == NULL)
        return;
    tusk_result_free(p->description);
    tusk__realloc(p->alloc, p->alloc_ud, p, 0);
}
