/* proto/type_tsquery.c: tsquery: on the wire an operator comes before its operands, and its right
 * operand before its left one. A query can be as deep as it is long, so nothing here recurses:
 * sizes of subtrees are found from the end, and what is still to print waits on a stack. Both live
 * in memory of the output's allocator, a constant times the input. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

enum kind { VALUE = 1, OPERATOR = 2 };
enum operation { OP_NOT = 1, OP_AND = 2, OP_OR = 3, OP_PHRASE = 4 };

/* How strongly an operator binds. */
static const uint8_t priorities[] = {[OP_NOT] = 4, [OP_AND] = 2, [OP_OR] = 1, [OP_PHRASE] = 3};

/* What waits to be printed. */
typedef struct job {
    enum { NODE, INFIX, CLOSE } what;
    uint32_t item;  /* NODE, INFIX */
    uint8_t outer;  /* NODE: the priority of what it stands in */
    bool in_phrase; /* NODE: it is a phrase's right operand */
} job;

typedef struct query {
    tusk__conv *conv;
    tusk__reader body; /* the items */
    uint32_t count;
    tusk_buf at;    /* uint32_t[count]: where each item starts */
    tusk_buf size;  /* uint32_t[count]: how many items its subtree has */
    tusk_buf stack; /* job[] */
} query;

static uint32_t *numbers(const tusk_buf *buf)
{
    return (uint32_t *)(void *)buf->data;
}

/* Steps over one item; its operator, 0 for a value, -1 if it is malformed. */
static int skip_item(tusk__reader *in)
{
    uint8_t kind = tusk__read_u8(in);
    if (kind == VALUE) {
        uint8_t weights = tusk__read_u8(in), prefix = tusk__read_u8(in);
        tusk__read_cstr(in, NULL);
        return in->bad || weights > 15 || prefix > 1 ? -1 : 0;
    }
    uint8_t op = tusk__read_u8(in);
    if (kind != OPERATOR || op < OP_NOT || op > OP_PHRASE)
        return -1;
    if (op == OP_PHRASE && tusk__read_i16(in) < 0)
        return -1;
    return in->bad ? -1 : op;
}

/* Where the items are, and that they are one tree: nothing missing, nothing left over. */
static int index_items(query *q)
{
    tusk__reader in = q->body;
    uint32_t *at = numbers(&q->at), *size = numbers(&q->size);
    for (uint32_t i = 0; i < q->count; i++) {
        at[i] = (uint32_t)(in.at - q->body.at);
        int op = skip_item(&in);
        if (op < 0)
            return TUSK_EDATA;
        size[i] = (uint32_t)op;
    }
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    for (uint32_t i = q->count; i-- > 0;) {
        uint32_t op = size[i], total = 1;
        int operands = op == 0 ? 0 : op == OP_NOT ? 1 : 2;
        for (; operands > 0; operands--) {
            if (i + total >= q->count)
                return TUSK_EDATA;
            total += size[i + total];
        }
        size[i] = total;
    }
    return q->count == 0 || size[0] == q->count ? TUSK_OK : TUSK_EDATA;
}

static void push(query *q, job j)
{
    tusk_put_bytes(&q->stack, &j, sizeof j);
}

static bool pop(query *q, job *j)
{
    if (q->stack.len < sizeof *j)
        return false;
    q->stack.len -= sizeof *j;
    memcpy(j, q->stack.data + q->stack.len, sizeof *j);
    return true;
}

static tusk__reader item_reader(const query *q, uint32_t item)
{
    tusk__reader in = q->body;
    tusk__read_bytes(&in, numbers(&q->at)[item]);
    return in;
}

static void print_value(query *q, tusk__reader *in)
{
    tusk_buf *out = q->conv->out;
    size_t len;
    uint8_t weights = tusk__read_u8(in), prefix = tusk__read_u8(in);
    const char *lexeme = tusk__read_cstr(in, &len);
    tusk__put_lexeme(out, lexeme, len);
    if (weights != 0 || prefix != 0)
        tusk_put_u8(out, ':');
    if (prefix != 0)
        tusk_put_u8(out, '*');
    for (int i = 3; i >= 0; i--)
        if (weights >> i & 1)
            tusk_put_u8(out, (uint8_t) "DCBA"[i]);
}

static void print_node(query *q, job j)
{
    tusk_buf *out = q->conv->out;
    tusk__reader in = item_reader(q, j.item);
    if (tusk__read_u8(&in) == VALUE) {
        print_value(q, &in);
        return;
    }
    uint8_t op = tusk__read_u8(&in), priority = priorities[op];
    bool parentheses = priority < j.outer || (op == OP_PHRASE && j.in_phrase);
    if (parentheses) {
        tusk_put_str(out, "( ");
        push(q, (job){.what = CLOSE});
    }
    if (op == OP_NOT) {
        tusk_put_u8(out, '!');
        push(q, (job){.what = NODE, .item = j.item + 1, .outer = priority});
        return;
    }
    uint32_t right = j.item + 1, left = right + numbers(&q->size)[right];
    push(q, (job){.what = NODE, .item = right, .outer = priority, .in_phrase = op == OP_PHRASE});
    push(q, (job){.what = INFIX, .item = j.item});
    push(q, (job){.what = NODE, .item = left, .outer = priority});
}

static void print_infix(query *q, uint32_t item)
{
    tusk_buf *out = q->conv->out;
    tusk__reader in = item_reader(q, item);
    tusk__read_u8(&in);
    uint8_t op = tusk__read_u8(&in);
    if (op != OP_PHRASE) {
        tusk_put_str(out, op == OP_AND ? " & " : " | ");
        return;
    }
    int16_t distance = tusk__read_i16(&in);
    if (distance == 1) {
        tusk_put_str(out, " <-> ");
        return;
    }
    tusk_put_str(out, " <");
    tusk__put_int(out, distance);
    tusk_put_str(out, "> ");
}

static int print_query(query *q)
{
    job j;
    push(q, (job){.what = NODE});
    while (q->stack.status == TUSK_OK && q->conv->out->status == TUSK_OK && pop(q, &j)) {
        if (j.what == NODE)
            print_node(q, j);
        else if (j.what == INFIX)
            print_infix(q, j.item);
        else
            tusk_put_str(q->conv->out, " )");
    }
    return q->stack.status;
}

static int render_tsquery(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int32_t count = tusk__read_i32(in);
    /* The smallest item is an operator's two bytes. */
    if (in->bad || count < 0 || (uint64_t)count > tusk__reader_left(in) / 2)
        return TUSK_EDATA;
    query q = {.conv = c, .body = *in, .count = (uint32_t)count};
    tusk__read_bytes(in, tusk__reader_left(in));
    tusk_buf_init(&q.at, 0, c->out->alloc, c->out->alloc_ud);
    tusk_buf_init(&q.size, 0, c->out->alloc, c->out->alloc_ud);
    tusk_buf_init(&q.stack, 0, c->out->alloc, c->out->alloc_ud);
    int status = TUSK_ENOMEM;
    if (tusk__buf_extend(&q.at, 4 * (size_t)count) != NULL &&
        tusk__buf_extend(&q.size, 4 * (size_t)count) != NULL)
        status = index_items(&q);
    if (status == TUSK_OK && count != 0)
        status = print_query(&q);
    tusk_buf_free(&q.at);
    tusk_buf_free(&q.size);
    tusk_buf_free(&q.stack);
    return status;
}

const tusk__codec tusk__codec_tsquery = {TUSK__REP_NONE, 0, render_tsquery, NULL, NULL, false};
