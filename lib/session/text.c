/* lib/session/text.c: see text.h. */
#include <string.h>
#include "lib/session/text.h"

void tusk__text_clear(tusk__text *t)
{
    t->len = 0;
    t->s[0] = '\0';
}

size_t tusk__text_copy(char *to, size_t size, const char *from, size_t n)
{
    if (n >= size)
        n = size - 1;
    memcpy(to, from, n);
    to[n] = '\0';
    return n;
}

void tusk__text_add_n(tusk__text *t, const char *s, size_t n)
{
    t->len += tusk__text_copy(t->s + t->len, sizeof t->s - t->len, s, n);
}

void tusk__text_add(tusk__text *t, const char *s)
{
    tusk__text_add_n(t, s, strlen(s));
}

void tusk__text_add_number(tusk__text *t, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    tusk__text_add_n(t, digits + at, sizeof digits - at);
}

void tusk__text_add_sqlstate(tusk__text *t, uint32_t state)
{
    for (int i = 0; i < 5; i++, state >>= 6) {
        char c = (char)('0' + (state & 0x3f));
        tusk__text_add_n(t, &c, 1);
    }
}
