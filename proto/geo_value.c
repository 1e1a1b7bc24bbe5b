/* proto/geo_value.c: the geometric types as C structs and views, both ways. */
#include "proto/types.h"

#include <string.h>

/* Structs that are nothing but doubles: all of them in order. */
static int open_doubles(tusk_value v, const tusk__codec *codec, double *out, size_t count)
{
    uint8_t room[32];
    double d[4];
    tusk__reader in;
    int status = tusk__open(v, codec, room, sizeof room, &in);
    if (status != TUSK_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        d[i] = tusk__read_f64(&in);
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    memcpy(out, d, count * sizeof *d);
    return TUSK_OK;
}

static int put_doubles(tusk_buf *out, const double *d, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tusk__put_f64(out, d[i]);
    return out->status;
}

int tusk_to_point(tusk_value v, tusk_point *out)
{
    double d[2];
    int status = open_doubles(v, &tusk__codec_point, d, 2);
    if (status == TUSK_OK)
        *out = (tusk_point){d[0], d[1]};
    return status;
}

static int encode_point(tusk_buf *out, const void *p)
{
    const tusk_point *point = p;
    const double d[] = {point->x, point->y};
    return put_doubles(out, d, 2);
}

static int open_pair(tusk_value v, const tusk__codec *codec, tusk_point *first, tusk_point *second)
{
    double d[4];
    int status = open_doubles(v, codec, d, 4);
    if (status != TUSK_OK)
        return status;
    *first = (tusk_point){d[0], d[1]};
    *second = (tusk_point){d[2], d[3]};
    return TUSK_OK;
}

int tusk_to_lseg(tusk_value v, tusk_lseg *out)
{
    return open_pair(v, &tusk__codec_lseg, &out->p[0], &out->p[1]);
}

int tusk_to_box(tusk_value v, tusk_box *out)
{
    return open_pair(v, &tusk__codec_box, &out->high, &out->low);
}

static int encode_lseg(tusk_buf *out, const void *p)
{
    const tusk_lseg *lseg = p;
    encode_point(out, &lseg->p[0]);
    return encode_point(out, &lseg->p[1]);
}

static int encode_box(tusk_buf *out, const void *p)
{
    const tusk_box *box = p;
    encode_point(out, &box->high);
    return encode_point(out, &box->low);
}

int tusk_to_line(tusk_value v, tusk_line *out)
{
    double d[3];
    int status = open_doubles(v, &tusk__codec_line, d, 3);
    if (status != TUSK_OK)
        return status;
    if (d[0] == 0 && d[1] == 0)
        return TUSK_EDATA;
    *out = (tusk_line){d[0], d[1], d[2]};
    return TUSK_OK;
}

static int encode_line(tusk_buf *out, const void *p)
{
    const tusk_line *line = p;
    const double d[] = {line->a, line->b, line->c};
    return line->a == 0 && line->b == 0 ? TUSK_ERANGE : put_doubles(out, d, 3);
}

int tusk_to_circle(tusk_value v, tusk_circle *out)
{
    double d[3];
    int status = open_doubles(v, &tusk__codec_circle, d, 3);
    if (status != TUSK_OK)
        return status;
    if (d[2] < 0)
        return TUSK_EDATA;
    *out = (tusk_circle){{d[0], d[1]}, d[2]};
    return TUSK_OK;
}

static int encode_circle(tusk_buf *out, const void *p)
{
    const tusk_circle *circle = p;
    const double d[] = {circle->center.x, circle->center.y, circle->radius};
    return circle->radius < 0 ? TUSK_ERANGE : put_doubles(out, d, 3);
}

TUSK__STRUCT_TYPE(point, tusk_point, 600);
TUSK__STRUCT_TYPE(lseg, tusk_lseg, 601);
TUSK__STRUCT_TYPE(box, tusk_box, 603);
TUSK__STRUCT_TYPE(line, tusk_line, 628);
TUSK__STRUCT_TYPE(circle, tusk_circle, 718);

/* ── path and polygon ── */

tusk_point tusk_points_at(const uint8_t *points, int32_t i)
{
    tusk__reader in = tusk__reader_of(points + 16 * (size_t)i, 16);
    tusk_point p;
    p.x = tusk__read_f64(&in);
    p.y = tusk__read_f64(&in);
    return p;
}

/* A count of at least 1 and its points, to the end. */
static int read_points(tusk__reader *in, int32_t *count, const uint8_t **points)
{
    *count = tusk__read_i32(in);
    if (*count < 1)
        return TUSK_EDATA;
    *points = tusk__read_items(in, *count, 16);
    return tusk__reader_end(in) ? TUSK_OK : TUSK_EDATA;
}

int tusk_to_path(tusk_value v, tusk_path *out)
{
    tusk__reader in;
    tusk_path path;
    int status = tusk__open(v, &tusk__codec_path, NULL, 0, &in);
    if (status != TUSK_OK)
        return status;
    uint8_t closed = tusk__read_u8(&in);
    path.closed = closed != 0;
    status = closed <= 1 ? read_points(&in, &path.count, &path.points) : TUSK_EDATA;
    if (status == TUSK_OK)
        *out = path;
    return status;
}

int tusk_to_polygon(tusk_value v, tusk_polygon *out)
{
    tusk__reader in;
    tusk_polygon polygon;
    int status = tusk__open(v, &tusk__codec_polygon, NULL, 0, &in);
    if (status == TUSK_OK)
        status = read_points(&in, &polygon.count, &polygon.points);
    if (status == TUSK_OK)
        *out = polygon;
    return status;
}

static int put_points(tusk_buf *out, int32_t count, const uint8_t *points)
{
    if (count < 1)
        return TUSK_ERANGE;
    tusk_put_u32(out, (uint32_t)count);
    tusk_put_bytes(out, points, 16 * (size_t)count);
    return out->status;
}

static int encode_path(tusk_buf *out, const void *p)
{
    const tusk_path *path = p;
    tusk_put_u8(out, path->closed);
    return put_points(out, path->count, path->points);
}

static int encode_polygon(tusk_buf *out, const void *p)
{
    const tusk_polygon *polygon = p;
    return put_points(out, polygon->count, polygon->points);
}

TUSK__STRUCT_TYPE(path, tusk_path, 602);
TUSK__STRUCT_TYPE(polygon, tusk_polygon, 604);
