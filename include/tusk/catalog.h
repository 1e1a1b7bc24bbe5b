/* tusk/catalog.h: the types of one database that are not compiled in: enums, domains, composites,
 * ranges, and what extensions bring. They have other oids in every database, so they are looked up
 * there: all of them at once, in one round trip, through an unnamed statement (correct behind any
 * pooler). One catalog serves every connection to that database, from any thread: it never changes.
 * Load a new one after CREATE TYPE; an oid that is not in it is simply not known. */
#ifndef TUSK_CATALOG_H
#define TUSK_CATALOG_H

#include <tusk/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tusk_catalog tusk_catalog;

/* Blocking. The status of the query; *catalog is NULL unless TUSK_OK. */
TUSK_API int tusk_catalog_load(tusk_catalog **catalog, tusk_conn *);
/* Values are views into it: free it after them. */
TUSK_API void tusk_catalog_free(tusk_catalog *);

/* What is known of a type, or NULL. */
TUSK_API const tusk_typedesc *tusk_catalog_find(const tusk_catalog *, uint32_t oid);
/* The oid of a type by its name, schema-qualified or not ("public.mood", "mood"); compiled-in types too.
 * 0: there is none, or the unqualified name stands in several schemas. */
TUSK_API uint32_t tusk_catalog_oid(const tusk_catalog *, const char *name);
/* An enum's labels in their order, as a text[]; a composite's field names (text[]) and types (oid[]).
 * NULL values for other types. Read them with tusk_to_array. */
TUSK_API tusk_value tusk_catalog_labels(const tusk_catalog *, uint32_t oid);
TUSK_API tusk_value tusk_catalog_field_names(const tusk_catalog *, uint32_t oid);
TUSK_API tusk_value tusk_catalog_field_types(const tusk_catalog *, uint32_t oid);
/* A style that lets tusk_value_text and tusk_value_parse know these types, also inside arrays, ranges
 * and composites. Valid as long as the catalog. */
TUSK_API tusk_text_style tusk_catalog_style(const tusk_catalog *);

#ifdef __cplusplus
}
#endif
#endif
