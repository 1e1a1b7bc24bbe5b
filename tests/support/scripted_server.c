/* tests/support/scripted_server.c: see the header. */
#include "tests/support/scripted_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct scripted_server {
    const script_step *const *scripts;
    size_t scripts_n, count;
    int listener, stop[2];
    pthread_t thread;
    bytes seen[SCRIPT_CONNECTIONS];
};

/* False: it is time to stop, and nothing is left to be taken. */
static bool wait_for(const scripted_server *s, int fd)
{
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};
    return poll(p, 2, -1) > 0 && p[0].revents != 0;
}

/* n bytes more of this connection; false: they will not come. */
static bool take(const scripted_server *s, int fd, bytes *seen, size_t n)
{
    uint8_t piece[4096];
    while (n > 0) {
        if (!wait_for(s, fd))
            return false;
        ssize_t got = recv(fd, piece, n < sizeof piece ? n : sizeof piece, 0);
        if (got <= 0)
            return false;
        bytes_add(seen, piece, (size_t)got);
        n -= (size_t)got;
    }
    return true;
}

static bool take_message(const scripted_server *s, int fd, bytes *seen, size_t type)
{
    size_t at = seen->len;
    if (!take(s, fd, seen, type + 4))
        return false;
    uint32_t len = load_u32(seen->data + at + type);
    return len >= 4 && take(s, fd, seen, len - 4);
}

static bool take_record(const scripted_server *s, int fd, bytes *seen)
{
    size_t at = seen->len;
    return take(s, fd, seen, 5) &&
           take(s, fd, seen, (size_t)seen->data[at + 3] << 8 | seen->data[at + 4]);
}

/* What the client's nonce was, with something behind it. */
static bool challenge(int fd, const bytes *seen, size_t iterations)
{
    bytes out = {0};
    const uint8_t *nonce = memmem(seen->data, seen->len, ",r=", 3);
    if (nonce == NULL)
        return false;
    size_t n = (size_t)(seen->data + seen->len - nonce) - 3;
    size_t mark = message_begin(&out, 'R');
    bytes_u32(&out, 11);
    bytes_str(&out, "r=");
    bytes_add(&out, nonce + 3, n);
    bytes_printf(&out, "server,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=%zu", iterations);
    message_end(&out, mark);
    bool sent = send(fd, out.data, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
    bytes_free(&out);
    return sent;
}

static bool do_step(const scripted_server *s, int fd, bytes *seen, const script_step *step)
{
    switch (step->what) {
    case SCRIPT_START:
        return take_message(s, fd, seen, 0);
    case SCRIPT_TAKE:
        return take_message(s, fd, seen, 1);
    case SCRIPT_RECORD:
        return take_record(s, fd, seen);
    case SCRIPT_SEND:
        return send(fd, step->bytes, step->n, MSG_NOSIGNAL) == (ssize_t)step->n;
    case SCRIPT_CHALLENGE:
        return challenge(fd, seen, step->n);
    case SCRIPT_END:
        while (take(s, fd, seen, 1)) {
        }
        return false;
    default:
        return false;
    }
}

static void *run(void *ud)
{
    scripted_server *s = ud;
    while (wait_for(s, s->listener)) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        size_t i = s->count < SCRIPT_CONNECTIONS ? s->count++ : SCRIPT_CONNECTIONS;
        const script_step *step = i < s->scripts_n ? s->scripts[i] : NULL;
        while (step != NULL && do_step(s, fd, &s->seen[i], step))
            step++;
        close(fd);
    }
    return NULL;
}

scripted_server *scripted_server_start(const script_step *const *scripts, size_t n)
{
    scripted_server *s = must_alloc(sizeof *s);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    memset(s, 0, sizeof *s);
    s->scripts = scripts;
    s->scripts_n = n;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&in, sizeof in) != 0 ||
        listen(s->listener, 16) != 0 || pipe2(s->stop, O_CLOEXEC) != 0 ||
        pthread_create(&s->thread, NULL, run, s) != 0) {
        perror("scripted server");
        abort();
    }
    return s;
}

int scripted_server_port(const scripted_server *s)
{
    struct sockaddr_in in;
    socklen_t len = sizeof in;
    return getsockname(s->listener, (struct sockaddr *)&in, &len) == 0 ? ntohs(in.sin_port) : 0;
}

void scripted_server_stop(scripted_server *s)
{
    close(s->stop[1]);
    pthread_join(s->thread, NULL);
    close(s->stop[0]);
    close(s->listener);
}

size_t scripted_server_count(const scripted_server *s)
{
    return s->count;
}

const bytes *scripted_server_seen(const scripted_server *s, size_t i)
{
    return &s->seen[i];
}

void scripted_server_free(scripted_server *s)
{
    for (size_t i = 0; i < SCRIPT_CONNECTIONS; i++)
        bytes_free(&s->seen[i]);
    free(s);
}
