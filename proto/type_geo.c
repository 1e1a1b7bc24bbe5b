/* proto/type_geo.c: point, lseg, path, box, polygon, line, circle: doubles in different brackets.
 */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

/* ── binary to text ── */

static void put_pair(tusk_buf *out, tusk_point p)
{
    tusk_put_u8(out, '(');
    tusk__put_float8(out, p.x);
    tusk_put_u8(out, ',');
    tusk__put_float8(out, p.y);
    tusk_put_u8(out, ')');
}

static tusk_point read_point(tusk__reader *in)
{
    tusk_point p;
    p.x = tusk__read_f64(in);
    p.y = tusk__read_f64(in);
    return p;
}

static void render_points(tusk_buf *out, tusk__reader *in, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        if (i > 0)
            tusk_put_u8(out, ',');
        put_pair(out, read_point(in));
    }
}

static int render_point(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    render_points(c->out, in, 1);
    return TUSK_OK;
}

static int render_lseg(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk_put_u8(c->out, '[');
    render_points(c->out, in, 2);
    tusk_put_u8(c->out, ']');
    return TUSK_OK;
}

static int render_box(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    render_points(c->out, in, 2);
    return TUSK_OK;
}

/* A count that its points follow. */
static int read_count(tusk__reader *in, int32_t *count)
{
    *count = tusk__read_i32(in);
    return !in->bad && *count > 0 && (uint64_t)*count <= tusk__reader_left(in) / 16 ? TUSK_OK
                                                                                    : TUSK_EDATA;
}

static int render_list(tusk__conv *c, tusk__reader *in, bool closed)
{
    int32_t count;
    int status = read_count(in, &count);
    if (status != TUSK_OK)
        return status;
    tusk_put_u8(c->out, closed ? '(' : '[');
    render_points(c->out, in, count);
    tusk_put_u8(c->out, closed ? ')' : ']');
    return TUSK_OK;
}

static int render_path(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    uint8_t closed = tusk__read_u8(in);
    return closed <= 1 ? render_list(c, in, closed != 0) : TUSK_EDATA;
}

static int render_polygon(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    return render_list(c, in, true);
}

/* The server refuses both of these; negated, so that NaN passes as it does there. */
static int check_line(const tusk_line *line)
{
    return line->a == 0 && line->b == 0 ? TUSK_ERANGE : TUSK_OK;
}

static int check_circle(const tusk_circle *circle)
{
    return circle->radius < 0 ? TUSK_ERANGE : TUSK_OK;
}

static tusk_line read_line(tusk__reader *in)
{
    tusk_line line;
    line.a = tusk__read_f64(in);
    line.b = tusk__read_f64(in);
    line.c = tusk__read_f64(in);
    return line;
}

static int render_line(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    tusk_line line = read_line(in);
    tusk_put_u8(c->out, '{');
    tusk__put_float8(c->out, line.a);
    tusk_put_u8(c->out, ',');
    tusk__put_float8(c->out, line.b);
    tusk_put_u8(c->out, ',');
    tusk__put_float8(c->out, line.c);
    tusk_put_u8(c->out, '}');
    return check_line(&line) == TUSK_OK ? TUSK_OK : TUSK_EDATA;
}

static int render_circle(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    tusk_circle circle;
    (void)type;
    circle.center = read_point(in);
    circle.radius = tusk__read_f64(in);
    tusk_put_u8(c->out, '<');
    put_pair(c->out, circle.center);
    tusk_put_u8(c->out, ',');
    tusk__put_float8(c->out, circle.radius);
    tusk_put_u8(c->out, '>');
    return check_circle(&circle) == TUSK_OK ? TUSK_OK : TUSK_EDATA;
}

/* ── text to binary ── */

static bool take(tusk_slice *s, char c)
{
    tusk__skip_spaces(s);
    return tusk__take_char(s, c);
}

/* A number up to the next mark. */
static int take_number(tusk_slice *s, double *out)
{
    size_t n = 0;
    while (n < s->len && memchr(",()[]{}<>", s->ptr[n], 9) == NULL)
        n++;
    tusk_slice number = {s->ptr, n};
    s->ptr += n;
    s->len -= n;
    return tusk__scan_float8(number, out);
}

/* "(x,y)", or without its parentheses. */
static int take_point(tusk_slice *s, tusk_point *p)
{
    bool wrapped = take(s, '(');
    int status = take_number(s, &p->x);
    if (status == TUSK_OK)
        status = take(s, ',') ? take_number(s, &p->y) : TUSK_EDATA;
    if (status == TUSK_OK && wrapped && !take(s, ')'))
        status = TUSK_EDATA;
    return status;
}

static void put_point(tusk_buf *out, tusk_point p)
{
    tusk__put_f64(out, p.x);
    tusk__put_f64(out, p.y);
}

static int at_end(tusk_slice *s)
{
    tusk__skip_spaces(s);
    return s->len == 0 ? TUSK_OK : TUSK_EDATA;
}

static int parse_point(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    tusk_point p;
    (void)type;
    int status = take_point(&s, &p);
    if (status != TUSK_OK)
        return status;
    put_point(c->out, p);
    return at_end(&s);
}

/* True if the text opens with a bracket that holds a list, not just the first point. */
static bool take_opening(tusk_slice *s, char open)
{
    tusk_slice inner = *s;
    if (!take(&inner, open))
        return false;
    if (open == '(') {
        tusk_slice probe = inner;
        if (!take(&probe, '('))
            return false;
    }
    *s = inner;
    return true;
}

/* Points up to the end or the closing bracket; their number, or a status. */
static int take_points(tusk__conv *c, tusk_slice *s, uint32_t *count)
{
    *count = 0;
    do {
        tusk_point p;
        int status = take_point(s, &p);
        if (status != TUSK_OK)
            return status;
        put_point(c->out, p);
        ++*count;
    } while (take(s, ','));
    return TUSK_OK;
}

/* All of a text that is a list in these brackets or, unless it is `[`, in none. */
static int parse_list(tusk__conv *c, tusk_slice s, bool square, uint32_t *count)
{
    bool opened = take_opening(&s, square ? '[' : '(');
    int status = take_points(c, &s, count);
    if (status == TUSK_OK && opened && !take(&s, square ? ']' : ')'))
        status = TUSK_EDATA;
    return status == TUSK_OK ? at_end(&s) : status;
}

static bool is_square(tusk_slice s)
{
    return take(&s, '[');
}

static int parse_lseg(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    uint32_t count;
    (void)type;
    int status = parse_list(c, s, is_square(s), &count);
    return status == TUSK_OK && count != 2 ? TUSK_EDATA : status;
}

/* The server's own order: a NaN counts as larger than every number. */
static bool is_larger(double a, double b)
{
    return a != a ? b == b : a > b;
}

static void put_box(tusk_buf *out, tusk_box box)
{
    tusk_point a = box.high, b = box.low;
    box.high.x = is_larger(b.x, a.x) ? b.x : a.x;
    box.low.x = is_larger(b.x, a.x) ? a.x : b.x;
    box.high.y = is_larger(b.y, a.y) ? b.y : a.y;
    box.low.y = is_larger(b.y, a.y) ? a.y : b.y;
    put_point(out, box.high);
    put_point(out, box.low);
}

static int parse_box(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    tusk_box box;
    (void)type;
    bool opened = take_opening(&s, '(');
    int status = take_point(&s, &box.high);
    if (status == TUSK_OK)
        status = take(&s, ',') ? take_point(&s, &box.low) : TUSK_EDATA;
    if (status == TUSK_OK && opened && !take(&s, ')'))
        status = TUSK_EDATA;
    if (status != TUSK_OK)
        return status;
    put_box(c->out, box);
    return at_end(&s);
}

static int parse_counted(tusk__conv *c, tusk_slice s, bool square)
{
    uint32_t count = 0;
    size_t mark = tusk__buf_mark(c->out);
    tusk_put_u32(c->out, 0);
    int status = parse_list(c, s, square, &count);
    tusk__put_at_u32(c->out, mark, count);
    return status;
}

static int parse_path(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    (void)type;
    bool square = is_square(s);
    tusk_put_u8(c->out, !square);
    return parse_counted(c, s, square);
}

static int parse_polygon(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    (void)type;
    return parse_counted(c, s, false);
}

static void put_line(tusk_buf *out, const tusk_line *line)
{
    tusk__put_f64(out, line->a);
    tusk__put_f64(out, line->b);
    tusk__put_f64(out, line->c);
}

static int parse_line(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    tusk_line line;
    (void)type;
    double *fields[3] = {&line.a, &line.b, &line.c};
    for (int i = 0; i < 3; i++) {
        if (!take(&s, i == 0 ? '{' : ','))
            return TUSK_EDATA;
        int status = take_number(&s, fields[i]);
        if (status != TUSK_OK)
            return status;
    }
    if (!take(&s, '}') || check_line(&line) != TUSK_OK)
        return TUSK_EDATA;
    put_line(c->out, &line);
    return at_end(&s);
}

static void put_circle(tusk_buf *out, const tusk_circle *circle)
{
    put_point(out, circle->center);
    tusk__put_f64(out, circle->radius);
}

static int parse_circle(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    tusk_circle circle;
    (void)type;
    if (!take(&s, '<'))
        return TUSK_EDATA;
    int status = take_point(&s, &circle.center);
    if (status == TUSK_OK)
        status = take(&s, ',') ? take_number(&s, &circle.radius) : TUSK_EDATA;
    if (status != TUSK_OK)
        return status;
    if (!take(&s, '>') || check_circle(&circle) != TUSK_OK)
        return TUSK_EDATA;
    put_circle(c->out, &circle);
    return at_end(&s);
}

const tusk__codec tusk__codec_point = {TUSK__REP_NONE, 0, render_point, parse_point, NULL, false};
const tusk__codec tusk__codec_lseg = {TUSK__REP_NONE, 0, render_lseg, parse_lseg, NULL, false};
const tusk__codec tusk__codec_path = {TUSK__REP_NONE, 0, render_path, parse_path, NULL, false};
const tusk__codec tusk__codec_box = {TUSK__REP_NONE, ';', render_box, parse_box, NULL, false};
const tusk__codec tusk__codec_polygon = {TUSK__REP_NONE, 0,    render_polygon,
                                         parse_polygon,  NULL, false};
const tusk__codec tusk__codec_line = {TUSK__REP_NONE, 0, render_line, parse_line, NULL, false};
const tusk__codec tusk__codec_circle = {TUSK__REP_NONE, 0,    render_circle,
                                        parse_circle,   NULL, false};
