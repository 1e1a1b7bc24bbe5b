/* lib/result.c: rows copied out of the receive buffer into an arena: one memcpy a row, then the
 * same views as in a row callback. */
#include <string.h>
#include "lib/result.h"
#include "proto/buf.h"

#define FIRST_BLOCK ((size_t)4 << 10)
#define LAST_BLOCK  ((size_t)1 << 20)

typedef struct block {
    struct block *next;
    size_t used, size;
    max_align_t data[];
} block;

struct tusk_result {
    tusk_realloc_fn alloc;
    void *alloc_ud;
    block *blocks; /* the newest first */
    const tusk_column *columns;
    int width;
    const uint32_t *params;
    int nparams;
    const tusk_row **rows;
    size_t nrows, room;
    int (*pull)(void *ud, tusk_req *);
    void *pull_ud;
    bool no_memory; /* a row was lost: the outcome says so */
    bool done;
    tusk_outcome outcome;
    tusk_error error;
};

static void *arena(tusk_result *r, size_t n)
{
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    block *b = r->blocks;
    if (b == NULL || b->size - b->used < n) {
        size_t size = b == NULL ? FIRST_BLOCK : b->size < LAST_BLOCK ? b->size * 2 : LAST_BLOCK;
        if (size < n)
            size = n;
        b = tusk__realloc(r->alloc, r->alloc_ud, NULL, sizeof *b + size);
        if (b == NULL) {
            r->no_memory = true;
            return NULL;
        }
        *b = (block){.next = r->blocks, .size = size};
        r->blocks = b;
    }
    void *p = (char *)b->data + b->used;
    b->used += n;
    return p;
}

static void *keep(tusk_result *r, const void *p, size_t n)
{
    void *copy = arena(r, n + 1);
    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, p, n);
    ((char *)copy)[n] = '\0';
    return copy;
}

tusk_result *tusk__result_new(tusk_realloc_fn alloc, void *ud)
{
    tusk_result *r = tusk__realloc(alloc, ud, NULL, sizeof *r);
    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof *r);
    r->alloc = alloc;
    r->alloc_ud = ud;
    return r;
}

static void params(void *ud, const uint32_t *oids, int n)
{
    tusk_result *r = ud;
    r->params = keep(r, oids, (size_t)n * sizeof *oids);
    r->nparams = r->params != NULL ? n : 0;
}

static void columns(void *ud, const tusk_column *columns, int n)
{
    tusk_result *r = ud;
    tusk_column *copy = arena(r, ((size_t)n + 1) * sizeof *copy);
    if (copy == NULL)
        return;
    for (int i = 0; i < n; i++) {
        copy[i] = columns[i];
        copy[i].name.ptr = keep(r, columns[i].name.ptr, columns[i].name.len);
    }
    r->columns = copy;
    r->width = n;
}

/* Bytes that the cells of a row span, counted from its start. */
static size_t extent(const tusk_row *row)
{
    for (int i = row->width - 1; i >= 0; i--)
        if (row->cells[i].len >= 0)
            return (size_t)row->cells[i].at + (size_t)row->cells[i].len;
    return 0;
}

static bool room_for_row(tusk_result *r)
{
    if (r->nrows < r->room)
        return true;
    size_t room = r->room == 0 ? 16 : r->room * 2;
    const tusk_row **p = tusk__realloc(r->alloc, r->alloc_ud, r->rows, room * sizeof *p);
    if (p == NULL)
        return false;
    r->rows = p;
    r->room = room;
    return true;
}

static int row(void *ud, const tusk_row *row)
{
    tusk_result *r = ud;
    size_t ncells = (size_t)row->width * sizeof *row->cells, nbytes = extent(row);
    char *p = room_for_row(r) ? arena(r, sizeof *row + ncells + nbytes) : NULL;
    if (p == NULL || (r->columns == NULL && row->width > 0)) {
        r->no_memory = true;
        return TUSK_ENOMEM;
    }
    tusk_row *copy = (tusk_row *)(void *)p;
    if (ncells > 0)
        memcpy(p + sizeof *row, row->cells, ncells);
    if (nbytes > 0)
        memcpy(p + sizeof *row + ncells, row->bytes, nbytes);
    copy->cells = (const tusk_cell *)(void *)(p + sizeof *row);
    copy->bytes = (const uint8_t *)p + sizeof *row + ncells;
    copy->columns = r->columns;
    copy->width = row->width;
    copy->item = row->item;
    r->rows[r->nrows++] = copy;
    return TUSK_OK;
}

static void keep_error(tusk_result *r, const tusk_error *e)
{
    r->error = *e;
    r->outcome.error = &r->error;
    const char *message = keep(r, e->message, strlen(e->message));
    const uint8_t *fields = e->fields != NULL ? keep(r, e->fields, e->fields_len) : NULL;
    r->error.message = message != NULL ? message : tusk_strerror(e->status);
    r->error.fields = fields;
    r->error.fields_len = fields != NULL ? e->fields_len : 0;
}

static void done(void *ud, const tusk_outcome *outcome)
{
    static const tusk_error no_memory = {.status = TUSK_ENOMEM,
                                         .message = "out of memory while collecting a result"};
    tusk_result *r = ud;
    r->outcome = *outcome;
    r->outcome.tag.ptr = keep(r, outcome->tag.ptr, outcome->tag.len);
    if (r->outcome.tag.ptr == NULL)
        r->outcome.tag.len = 0;
    if (outcome->error != NULL) {
        keep_error(r, outcome->error);
    } else if (r->no_memory) {
        r->outcome.status = TUSK_ENOMEM;
        r->outcome.error = &no_memory;
    }
    r->done = true;
}

static int pull(void *ud, tusk_req *request)
{
    const tusk_result *r = ud;
    return r->pull(r->pull_ud, request);
}

void tusk__result_pull(tusk_result *r, int (*from)(void *ud, tusk_req *), void *ud)
{
    r->pull = from;
    r->pull_ud = ud;
}

const tusk_sink tusk__result_sink = {
    .params = params, .columns = columns, .row = row, .done = done};
const tusk_sink tusk__result_many_sink = {
    .columns = columns, .row = row, .pull = pull, .done = done};

const bool *tusk__result_done(const tusk_result *r)
{
    return &r->done;
}

size_t tusk_result_rows(const tusk_result *r)
{
    return r->nrows;
}

int tusk_result_width(const tusk_result *r)
{
    return r->width;
}

const tusk_row *tusk_result_row(const tusk_result *r, size_t i)
{
    return i < r->nrows ? r->rows[i] : NULL;
}

const tusk_column *tusk_result_columns(const tusk_result *r)
{
    return r->columns;
}

const uint32_t *tusk_result_params(const tusk_result *r, int *n)
{
    *n = r->nparams;
    return r->params;
}

const tusk_outcome *tusk_result_outcome(const tusk_result *r)
{
    return &r->outcome;
}

void tusk__result_hand_over(tusk_result *r, int status, tusk_result **out)
{
    bool kept = out != NULL && (status == TUSK_OK || status == TUSK_ESERVER);
    if (out != NULL)
        *out = kept ? r : NULL;
    if (!kept)
        tusk_result_free(r);
}

void tusk_result_free(tusk_result *r)
{
    if (r == NULL)
        return;
    for (block *b = r->blocks, *next; b != NULL; b = next) {
        next = b->next;
        tusk__realloc(r->alloc, r->alloc_ud, b, 0);
    }
    tusk__realloc(r->alloc, r->alloc_ud, r->rows, 0);
    tusk__realloc(r->alloc, r->alloc_ud, r, 0);
}
