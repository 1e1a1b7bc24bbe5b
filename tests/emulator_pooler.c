/* tests/emulator_pooler.c: the pooler between the driver and the fake servers. It takes a message
 * at a time; what it does with names, and in which order it answers, is what real poolers differ
 * in. */
#include "tests/emulator.h"
#include <stdio.h>
#include <string.h>

uint32_t world_random(world *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->seed >> 33) % below;
}

void world_init(world *w, uint64_t seed, unsigned quirks, const char *prefix)
{
    memset(w, 0, sizeof *w);
    w->seed = seed * 0x9e3779b97f4a7c15u + 1;
    w->quirks = quirks;
    w->prefix = prefix;
    for (int i = 0; i < BACKENDS; i++)
        w->servers[i] = (backend){.pid = 100 + i, .tx = 'I', .client = -1};
    for (int i = 0; i < CLIENTS; i++) {
        w->clients[i].server = -1;
        w->clients[i].cut = -1;
    }
}

void world_free(world *w)
{
    for (int i = 0; i < CLIENTS; i++) {
        bytes_free(&w->clients[i].in);
        bytes_free(&w->clients[i].out);
    }
}

/* ── answers ── */

static void insert_first(client *c, char type)
{
    uint8_t fake[5] = {(uint8_t)type, 0, 0, 0, 4};
    size_t at = c->group_mark + c->fakes;
    bytes_add(&c->out, fake, sizeof fake); /* for the room */
    memmove(c->out.data + at + sizeof fake, c->out.data + at, c->out.len - sizeof fake - at);
    memcpy(c->out.data + at, fake, sizeof fake);
    c->fakes += sizeof fake;
}

/* An answer of the pooler's own. */
static void fake(const world *w, client *c, char type)
{
    if (world_has(w, QUIRK_FAKES_FIRST) || (type == '3' && world_has(w, QUIRK_EARLY_CLOSE)))
        insert_first(c, type);
    else if (type == '1' && world_has(w, QUIRK_LATE_PARSE))
        c->late++;
    else
        message(&c->out, type, NULL, 0);
}

static void flush_late(client *c)
{
    for (; c->late > 0; c->late--)
        message(&c->out, '1', NULL, 0);
}

/* Everything that the server answers passes here; with `swallow` the answer is not for the client.
 */
static void forward(world *w, client *c, char type, const uint8_t *body, size_t n, bool swallow)
{
    bytes answer = {0};
    backend_take(w, &w->servers[c->server], type, body, n, &answer);
    if (answer.len > 0 && answer.data[0] == 'E')
        swallow = false;
    if (!swallow && answer.len > 0) {
        if (answer.data[0] != 'E')
            flush_late(c);
        if (world_has(w, QUIRK_NOTICES) && world_random(w, 8) == 0)
            message(&c->out, 'N', "SNOTICE\0VNOTICE\0C00000\0Mhello\0", 31);
        bytes_add(&c->out, answer.data, answer.len);
        flush_late(c);
    }
    bytes_free(&answer);
}

static void hang_up(world *w, client *c, const char *sqlstate, const char *why, bool drivers_fault)
{
    if (sqlstate != NULL)
        backend_error(&c->out, "FATAL", sqlstate, why, NULL);
    c->dead = true;
    if (c->server >= 0) {
        backend_abandon(&w->servers[c->server]);
        c->server = -1;
    }
    if (drivers_fault && w->violation == NULL)
        w->violation = why;
}

/* ── servers come and go ── */

static bool link_server(world *w, client *c)
{
    int mine = (int)(c - w->clients);
    bool shares = world_has(w, QUIRK_SHARE);
    int first = shares ? (int)world_random(w, SHARED) : mine;
    for (int i = 0; i < (shares ? SHARED : 1); i++) {
        int at = shares ? (first + i) % SHARED : mine;
        if (w->servers[at].client >= 0)
            continue;
        w->servers[at].client = mine;
        c->server = at;
        if (world_has(w, QUIRK_REPLAY_PARAMS))
            message(&c->out, 'S', "TimeZone\0UTC", 13);
        return true;
    }
    return false;
}

static void unlink_server(world *w, client *c)
{
    backend *b = &w->servers[c->server];
    if (b->tx != 'I' || !world_has(w, QUIRK_SHARE))
        return;
    b->client = -1;
    c->server = -1;
    if (world_has(w, QUIRK_FORGET))
        backend_forget(b);
}

/* ── a tracker's statements ── */

static client_name *find_name(client *c, const char *name)
{
    if (name[0] == '\0')
        return &c->unnamed;
    for (int i = 0; i < NAMES; i++)
        if (c->names[i].live && strcmp(c->names[i].name, name) == 0)
            return &c->names[i];
    return NULL;
}

static void server_name(world *w, const char *text, char name[64])
{
    int id = 0;
    while (id < w->ntexts && strcmp(w->texts[id], text) != 0)
        id++;
    if (id == w->ntexts && id < TEXTS - 1)
        snprintf(w->texts[w->ntexts++], sizeof w->texts[0], "%s", text);
    snprintf(name, 64, "%s%d", w->prefix, id);
}

static void evict(world *w, client *c)
{
    backend *b = &w->servers[c->server];
    prepared *oldest = NULL;
    int n = 0;
    for (int i = 0; i < PREPARED; i++) {
        prepared *p = &b->list[i];
        if (!p->live || strncmp(p->name, w->prefix, strlen(w->prefix)) != 0)
            continue;
        n++;
        if (oldest == NULL || p->age < oldest->age)
            oldest = p;
    }
    if (n < 3)
        return;
    oldest->live = false;
    c->evicted++;
}

/* Sees to it that the server has this text, and says whether it has. */
static bool provide(world *w, client *c, const char *text, bool tell)
{
    char name[64];
    bytes parse = {0};
    backend *b = &w->servers[c->server];
    server_name(w, text, name);
    if (backend_find(b, name) != NULL) {
        if (tell)
            fake(w, c, '1');
        return true;
    }
    if (world_has(w, QUIRK_EVICT))
        evict(w, c);
    bytes_cstr(&parse, name);
    bytes_cstr(&parse, text);
    bytes_u16(&parse, 0);
    forward(w, c, 'P', parse.data, parse.len, !tell);
    bytes_free(&parse);
    return backend_find(b, name) != NULL;
}

static void pooler_error(world *w, client *c, const char *sqlstate, const char *what,
                         const char *name)
{
    char words[120];
    snprintf(words, sizeof words, "prepared statement \"%s\" %s", name, what);
    flush_late(c);
    backend_error(&c->out, "ERROR", sqlstate, words, NULL);
    w->servers[c->server].skipping = w->servers[c->server].broken = true;
}

/* False: the name is taken, and that has been said. */
static bool register_name(world *w, client *c, const char *name, const char *text)
{
    client_name *old = find_name(c, name), *free_one = &c->unnamed;
    if (name[0] != '\0' && old != NULL && !world_has(w, QUIRK_DUP_ACCEPT)) {
        if (world_has(w, QUIRK_DUP_FATAL))
            hang_up(w, c, "08P01", "prepared statement name is already in use", true);
        else
            pooler_error(w, c, "42P05", "already exists", name);
        return false;
    }
    if (name[0] != '\0')
        for (free_one = c->names; free_one < c->names + NAMES - 1 && free_one->live; free_one++)
            continue;
    if (old != NULL)
        free_one = old;
    snprintf(free_one->name, sizeof free_one->name, "%s", name);
    snprintf(free_one->text, sizeof free_one->text, "%s", text);
    free_one->live = true;
    return true;
}

static void track_parse(world *w, client *c, const uint8_t *body)
{
    const char *name = (const char *)body, *text = name + strlen(name) + 1;
    bool skipping = w->servers[c->server].skipping;
    c->parses++;
    if (skipping && world_has(w, QUIRK_SKIP_HANG))
        c->hang_next = true;
    if (skipping && !world_has(w, QUIRK_BURN))
        return;
    if (!register_name(w, c, name, text) || skipping)
        return;
    if (!provide(w, c, text, true) && !world_has(w, QUIRK_BURN))
        find_name(c, name)->live = false;
}

/* Bind and Describe: the name in them becomes the server's. */
static void track_use(world *w, client *c, char type, const uint8_t *body, size_t n)
{
    bool skipping = w->servers[c->server].skipping;
    size_t before = type == 'B' ? strlen((const char *)body) + 1 : 1;
    const char *name = (const char *)body + before;
    const client_name *known = find_name(c, name);
    char theirs[64];
    if (known == NULL || !known->live) {
        if (world_has(w, QUIRK_UNKNOWN_FATAL))
            hang_up(w, c, "08P01", "prepared statement did not exist", true);
        else if (!skipping)
            pooler_error(w, c, "26000", "does not exist", name);
        return;
    }
    server_name(w, known->text, theirs);
    if (skipping) {
        if (world_has(w, QUIRK_SHADOW_DROP) &&
            backend_find(&w->servers[c->server], theirs) == NULL && c->parses == 0)
            hang_up(w, c, NULL, "Bind of a statement that the server lacks in a failed group",
                    true);
        return;
    }
    if (!provide(w, c, known->text, false))
        return;
    bytes changed = {0};
    bytes_add(&changed, body, before);
    bytes_cstr(&changed, theirs);
    size_t rest = before + strlen(name) + 1;
    bytes_add(&changed, body + rest, n - rest);
    forward(w, c, type, changed.data, changed.len, false);
    bytes_free(&changed);
}

static bool tracks(const world *w, const char *name)
{
    return world_has(w, QUIRK_TRACK) && (name[0] != '\0' || world_has(w, QUIRK_UNNAMED_TOO));
}

/* ── groups ── */

static void begin_group(client *c)
{
    c->in_group = true;
    c->group_mark = c->out.len;
    c->fakes = 0;
    c->parses = c->evicted = 0;
    c->hung = c->hung || c->hang_next;
}

static void end_group(world *w, client *c)
{
    if (world_has(w, QUIRK_DESYNC) && c->evicted > 0 && c->parses > 1)
        message(&c->out, '3', NULL, 0);
    c->in_group = false;
    if (c->server >= 0)
        unlink_server(w, c);
}

static void take_message(world *w, client *c, char type, const uint8_t *body, size_t n)
{
    const char *text = (const char *)body;
    if ((type == 'H' || type == 'F') && world_has(w, QUIRK_DROP_FLUSH))
        return;
    if (type == 'P' && text[0] != '\0' && strncmp(text, "tusk_probe_", 11) != 0)
        w->named_parses++;
    if (type == 'P' && tracks(w, text))
        track_parse(w, c, body);
    else if (type == 'B' && tracks(w, text + strlen(text) + 1))
        track_use(w, c, type, body, n);
    else if (type == 'D' && text[0] == 'S' && tracks(w, text + 1))
        track_use(w, c, type, body, n);
    else if (type == 'C' && text[0] == 'S' && tracks(w, text + 1)) {
        if (find_name(c, text + 1) != NULL)
            find_name(c, text + 1)->live = false;
        if (!w->servers[c->server].skipping)
            fake(w, c, '3');
    } else {
        c->parses += type == 'P';
        forward(w, c, type, body, n, false);
    }
    if (!c->dead && (type == 'S' || type == 'Q'))
        end_group(w, c);
}

/* ── start-up ── */

static bool known_param(const char *name)
{
    static const char *const known[] = {"user", "database", "client_encoding", "application_name"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

static void start(world *w, client *c, const uint8_t *body, size_t n)
{
    const char *p = (const char *)body + 4;
    if (load_u32(body) != 196608 && world_has(w, QUIRK_VERSION_EXACT)) {
        hang_up(w, c, NULL, "a protocol version that the pooler does not know", true);
        return;
    }
    for (; p < (const char *)body + n && *p != '\0'; p += strlen(p) + 1, p += strlen(p) + 1)
        if (!known_param(p) && world_has(w, QUIRK_REFUSE_PARAMS)) {
            hang_up(w, c, "08P01", "unsupported startup parameter", true);
            return;
        }
    c->started = true;
    /* Another one each time: a late cancel finds nobody. */
    bool shares = world_has(w, QUIRK_SHARE);
    c->pid = (shares ? 7000 : 100) + w->starts++;
    if (!shares)
        w->servers[c - w->clients].pid = c->pid;
    size_t mark = message_begin(&c->out, 'R');
    bytes_u32(&c->out, 0);
    message_end(&c->out, mark);
    message(&c->out, 'S',
            "server_version\0"
            "15.18",
            21);
    mark = message_begin(&c->out, 'K');
    bytes_u32(&c->out, (uint32_t)c->pid);
    bytes_u32(&c->out, 4711);
    message_end(&c->out, mark);
    message(&c->out, 'Z', "I", 1);
}

/* ── bytes ── */

void pooler_receive(world *w, client *c, const uint8_t *p, size_t n)
{
    /* What some pooler does with a read that happens to begin with a Sync. */
    if (world_has(w, QUIRK_SYNC_READ) && c->started && c->in.len == 0 && n > 0 && p[0] == 'S' &&
        !c->in_group) {
        message(&c->out, 'Z', "I", 1);
        return;
    }
    bytes_add(&c->in, p, n);
}

bool pooler_run(world *w, client *c)
{
    bool moved = false;
    while (!c->dead) {
        size_t head = c->started ? 1 : 0;
        if (c->in.len < head + 4 || c->in.len < head + load_u32(c->in.data + head))
            break;
        size_t n = load_u32(c->in.data + head) - 4;
        const uint8_t *body = c->in.data + head + 4;
        char type = (char)c->in.data[0];
        if (!c->started) {
            start(w, c, body, n);
        } else if (type == 'X') {
            hang_up(w, c, NULL, "", false);
        } else {
            if (c->server < 0 && !link_server(w, c))
                break;
            if (!c->in_group)
                begin_group(c);
            if (c->hung || backend_blocked(w, &w->servers[c->server], type))
                break;
            take_message(w, c, type, body, n);
        }
        bytes_shift(&c->in, head + 4 + n);
        moved = true;
    }
    return moved;
}
