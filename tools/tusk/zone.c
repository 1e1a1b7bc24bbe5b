/* tools/tusk/zone.c: finds and reads a TZif file; it is kept as it is, and searched in place. */
#include "tools/tusk/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tusk/value.h>

enum { HEADER = 44, MAX_FILE = 1 << 20, TYPE_SIZE = 6 };

static int64_t load64(const uint8_t *p)
{
    return (int64_t)tusk__load64(p);
}

/* ── finding ───────────────────────────────────────────────────────────────────────────────── */

/* The name comes from the server: it may only lead to a file below the database's folder. */
static bool name_is_safe(const char *name)
{
    if (name[0] == '/' || name[0] == '.' || name[0] == '\0' || strstr(name, "..") != NULL) {
        return false;
    }
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
           strlen(name);
}

static uint8_t *file_read(const char *folder, const char *name, size_t *len)
{
    char path[512];
    const int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        return NULL;
    }
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return NULL;
    }
    uint8_t *data = malloc(MAX_FILE);
    *len = data != NULL ? fread(data, 1, MAX_FILE, f) : 0;
    if (data != NULL && (*len == 0 || *len == MAX_FILE || ferror(f))) {
        free(data);
        data = NULL;
    }
    fclose(f);
    if (data == NULL) {
        return NULL;
    }
    uint8_t *small = realloc(data, *len);
    if (small == NULL) {
        return data;
    }
    return small;
}

static uint8_t *database_read(const char *name, size_t *len)
{
    static const char *const folders[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                          "/usr/share/lib/zoneinfo"};
    const char *own = getenv("TZDIR");
    uint8_t *data = own != NULL ? file_read(own, name, len) : NULL;
    for (size_t i = 0; data == NULL && i < sizeof folders / sizeof folders[0]; i++) {
        data = file_read(folders[i], name, len);
    }
    return data;
}

/* ── reading ───────────────────────────────────────────────────────────────────────────────── */

typedef struct header {
    uint32_t isut, isstd, leap, times, types, chars;
} header;

static bool header_read(const uint8_t *p, size_t len, header *h)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0 || p[4] < '2') {
        return false;
    }
    h->isut = tusk__load32(p + 20);
    h->isstd = tusk__load32(p + 24);
    h->leap = tusk__load32(p + 28);
    h->times = tusk__load32(p + 32);
    h->types = tusk__load32(p + 36);
    h->chars = tusk__load32(p + 40);
    const uint32_t most = MAX_FILE;
    return h->isut <= most && h->isstd <= most && h->leap <= most && h->times <= most &&
           h->types >= 1 && h->types <= 256 && h->chars <= most;
}

static size_t body_size(const header *h, size_t time_size)
{
    return h->times * (time_size + 1) + h->types * (size_t)TYPE_SIZE + h->chars +
           h->leap * (time_size + 4) + h->isstd + h->isut;
}

/* The first body has 32-bit times: skipped. The second one counts, and the rule behind it. */
static bool file_parse(zone *z, const uint8_t *p, size_t len)
{
    header h;
    if (!header_read(p, len, &h) || body_size(&h, 4) > len - HEADER) {
        return false;
    }
    p += HEADER + body_size(&h, 4);
    len -= HEADER + body_size(&h, 4);
    if (!header_read(p, len, &h) || body_size(&h, 8) > len - HEADER || h.leap != 0) {
        return false;
    }
    p += HEADER;
    len -= HEADER;
    z->count = h.times;
    z->times = p;
    z->kinds = p + h.times * (size_t)8;
    z->types = z->kinds + h.times;
    for (size_t i = 0; i < h.times; i++) {
        if (z->kinds[i] >= h.types || (i > 0 && load64(p + 8 * i) <= load64(p + 8 * (i - 1)))) {
            return false;
        }
    }
    const char *footer = (const char *)p + body_size(&h, 8);
    len -= body_size(&h, 8);
    if (len < 2 || footer[0] != '\n' || footer[len - 1] != '\n') {
        return false;
    }
    if (len > 2) {
        z->has_rule = zone_rule_parse(&z->rule, footer + 1, len - 2);
        return z->has_rule;
    }
    return true;
}

bool zone_load(zone *z, const char *name)
{
    static const char *const utc[] = {"UTC", "GMT", "Etc/UTC", "Etc/GMT", "Etc/UCT", "UCT", "Zulu"};
    size_t len = 0;
    memset(z, 0, sizeof *z);
    for (size_t i = 0; i < sizeof utc / sizeof utc[0]; i++) {
        if (strcmp(name, utc[i]) == 0) {
            z->has_rule = true;
            return true;
        }
    }
    if (name_is_safe(name)) {
        z->file = database_read(name, &len);
    }
    if (z->file != NULL) {
        if (file_parse(z, z->file, len)) {
            return true;
        }
        zone_free(z);
        return false;
    }
    z->has_rule = zone_rule_parse(&z->rule, name, strlen(name));
    return z->has_rule;
}

void zone_free(zone *z)
{
    free(z->file);
    memset(z, 0, sizeof *z);
}

/* ── asking ────────────────────────────────────────────────────────────────────────────────── */

static int32_t type_offset(const zone *z, size_t kind)
{
    return (int32_t)tusk__load32(z->types + kind * TYPE_SIZE);
}

static int32_t file_offset(zone *z, int64_t t)
{
    size_t low = 0, high = z->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (load64(z->times + 8 * middle) <= t) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    z->from = low > 0 ? load64(z->times + 8 * (low - 1)) : INT64_MIN;
    z->until = low < z->count ? load64(z->times + 8 * low) : INT64_MAX;
    z->east = type_offset(z, low > 0 ? z->kinds[low - 1] : 0);
    return z->east;
}

int32_t zone_offset(zone *z, int64_t t)
{
    if (z->from <= t && t < z->until) {
        return z->east;
    }
    const bool past_last =
        z->file == NULL ||
        (z->has_rule && (z->count == 0 || t >= load64(z->times + 8 * (z->count - 1))));
    return past_last ? zone_rule_offset(&z->rule, t) : file_offset(z, t);
}
