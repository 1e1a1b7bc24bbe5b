/* lib/catalog.c: see tusk/catalog.h. The answer of the one query is kept as it is; beside it stands a
 * list of descriptions by rising oid, which is how they are looked up. */
#include <string.h>
#include <tusk/catalog.h>
#include <tusk/sync.h>
#include "lib/session/session.h"

enum { OID, KIND, OF, NAME, SCHEMA, LABELS, FIELD_NAMES, FIELD_TYPES };

/* From 14 on a range knows its multirange. What is compiled in never gets here: below 10000. */
#define QUERY(multirange, join)                                                                    \
    "select t.oid, case when t.typcategory = 'A' and t.typelem <> 0 then 'a' else t.typtype end,"  \
    " coalesce(nullif(t.typbasetype, 0), r.rngsubtype, " multirange                                \
    " case when t.typcategory = 'A' then t.typelem end, 0::oid)::oid,"                             \
    " t.typname::text, n.nspname::text,"                                                           \
    " (select array_agg(e.enumlabel::text order by e.enumsortorder)"                               \
    "  from pg_catalog.pg_enum e where e.enumtypid = t.oid),"                                      \
    " (select array_agg(a.attname::text order by a.attnum) from pg_catalog.pg_attribute a"         \
    "  where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped),"                    \
    " (select array_agg(a.atttypid order by a.attnum) from pg_catalog.pg_attribute a"              \
    "  where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)"                     \
    " from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace"          \
    " left join pg_catalog.pg_range r on r.rngtypid = t.oid" join                                  \
    " where t.oid >= 10000 order by t.oid"

static const char query[] =
    QUERY("m.rngtypid,", " left join pg_catalog.pg_range m on m.rngmultitypid = t.oid");
static const char query_before_14[] = QUERY("", "");

struct tusk_catalog {
    tusk_realloc_fn alloc;
    void *alloc_ud;
    tusk_result *result;
    size_t n;
    tusk_typedesc types[];
};

static int describe(const tusk_row *row, tusk_typedesc *d)
{
    int64_t oid, of;
    tusk_slice kind;
    int status = tusk_get(row, OID, &oid);
    if (status == TUSK_OK)
        status = tusk_get(row, OF, &of);
    if (status == TUSK_OK)
        status = tusk_get(row, KIND, &kind);
    if (status == TUSK_OK)
        status = tusk_get(row, NAME, &d->name);
    if (status != TUSK_OK || kind.len != 1)
        return TUSK_EDATA;
    d->oid = (uint32_t)oid;
    d->of = (uint32_t)of;
    d->kind = kind.ptr[0];
    return TUSK_OK;
}

static int fill(tusk_catalog *cat)
{
    for (size_t i = 0; i < cat->n; i++)
        if (describe(tusk_result_row(cat->result, i), &cat->types[i]) != TUSK_OK)
            return TUSK_EDATA;
    return TUSK_OK;
}

int tusk_catalog_load(tusk_catalog **out, tusk_conn *c)
{
    tusk_result *r;
    bool ranges_only = tusk_conn_server_version(c) < 140000;
    tusk_request rq = {.sql = tusk_slice_of(ranges_only ? query_before_14 : query),
                       .flags = TUSK_ONCE};
    *out = NULL;
    int status = tusk_exec_request(c, &r, &rq);
    if (status != TUSK_OK) {
        tusk_result_free(r);
        return status;
    }
    size_t n = tusk_result_rows(r);
    tusk_catalog *cat =
        tusk__realloc(c->alloc, c->alloc_ud, NULL, sizeof *cat + n * sizeof *cat->types);
    if (cat == NULL) {
        tusk_result_free(r);
        return tusk__session_refuse(c, TUSK_ENOMEM, "out of memory for the catalog of types");
    }
    *cat = (tusk_catalog){.alloc = c->alloc, .alloc_ud = c->alloc_ud, .result = r, .n = n};
    status = fill(cat);
    if (status == TUSK_OK) {
        *out = cat;
        return TUSK_OK;
    }
    tusk_catalog_free(cat);
    return tusk__session_refuse(c, status, "pg_type is not what it should be");
}

void tusk_catalog_free(tusk_catalog *cat)
{
    if (cat == NULL)
        return;
    tusk_result_free(cat->result);
    tusk__realloc(cat->alloc, cat->alloc_ud, cat, 0);
}

/* Its place, or n. */
static size_t place(const tusk_catalog *cat, uint32_t oid)
{
    size_t low = 0, high = cat->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cat->types[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < cat->n && cat->types[low].oid == oid ? low : cat->n;
}

const tusk_typedesc *tusk_catalog_find(const tusk_catalog *cat, uint32_t oid)
{
    size_t i = place(cat, oid);
    return i < cat->n ? &cat->types[i] : NULL;
}

static bool is(tusk_slice s, const char *text, size_t n)
{
    return s.len == n && memcmp(s.ptr, text, n) == 0;
}

uint32_t tusk_catalog_oid(const tusk_catalog *cat, const char *name)
{
    const char *dot = strchr(name, '.');
    const char *bare = dot != NULL ? dot + 1 : name;
    uint32_t found = dot == NULL ? tusk_type_oid(name) : 0;
    size_t matches = 0;
    for (size_t i = 0; i < cat->n && found == 0; i++) {
        tusk_slice schema;
        if (!is(cat->types[i].name, bare, strlen(bare)))
            continue;
        if (dot == NULL)
            matches++;
        else if (tusk_get(tusk_result_row(cat->result, i), SCHEMA, &schema) == TUSK_OK &&
                 is(schema, name, (size_t)(dot - name)))
            return cat->types[i].oid;
    }
    for (size_t i = 0; i < cat->n && matches == 1; i++)
        if (is(cat->types[i].name, bare, strlen(bare)))
            return cat->types[i].oid;
    return found;
}

static tusk_value column(const tusk_catalog *cat, uint32_t oid, int i)
{
    size_t at = place(cat, oid);
    if (at < cat->n)
        return tusk_col(tusk_result_row(cat->result, at), i);
    tusk_value null = {NULL, -1, 0, TUSK_FORMAT_BINARY};
    return null;
}

tusk_value tusk_catalog_labels(const tusk_catalog *cat, uint32_t oid)
{
    return column(cat, oid, LABELS);
}

tusk_value tusk_catalog_field_names(const tusk_catalog *cat, uint32_t oid)
{
    return column(cat, oid, FIELD_NAMES);
}

tusk_value tusk_catalog_field_types(const tusk_catalog *cat, uint32_t oid)
{
    return column(cat, oid, FIELD_TYPES);
}

static const tusk_typedesc *find_type(void *ud, uint32_t oid)
{
    return tusk_catalog_find(ud, oid);
}

tusk_text_style tusk_catalog_style(const tusk_catalog *cat)
{
    /* The style's user data is not const because others write to theirs; this one does not. */
    tusk_text_style style = {.find_type = find_type, .ud = (void *)(uintptr_t)cat};
    return style;
}
