/* lib/net/hosts.c: the order of attempts: Fisher and Yates' shuffle over hosts and addresses, and
 * IPv6 and IPv4 in turn. */
#include "lib/net/hosts.h"

#include <string.h>

/* A number below `below`, each equally likely: what would make the low ones likelier is drawn
 * again. */
static int pick(const tusk__crypto *crypto, size_t below, size_t *out)
{
    uint32_t range = (uint32_t)below, drawn;
    uint32_t uneven = (UINT32_MAX - range + 1) % range; /* 2^32 modulo range */
    do {
        int status = crypto->random(&drawn, sizeof drawn);
        if (status != TUSK_OK)
            return status;
    } while (drawn < uneven);
    *out = drawn % range;
    return TUSK_OK;
}

int tusk__hosts_order(size_t *order, size_t n, const tusk__crypto *crypto)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t left = n; crypto != NULL && left > 1; left--) {
        size_t i;
        int status = pick(crypto, left, &i);
        if (status != TUSK_OK)
            return status;
        size_t last = order[left - 1];
        order[left - 1] = order[i];
        order[i] = last;
    }
    return TUSK_OK;
}

int tusk__addresses_order(size_t *order, const tusk__address *addresses, size_t n,
                          const tusk__crypto *crypto)
{
    int status = tusk__hosts_order(order, n, crypto);
    /* Where two of a family would follow each other, the next of another family is pulled up. */
    for (size_t i = 1; i < n && status == TUSK_OK; i++) {
        size_t other = i;
        sa_family_t family = addresses[order[i - 1]].addr.ss_family;
        while (other < n && addresses[order[other]].addr.ss_family == family)
            other++;
        if (other == i || other == n)
            continue;
        size_t pulled = order[other];
        memmove(&order[i + 1], &order[i], (other - i) * sizeof *order);
        order[i] = pulled;
    }
    return status;
}
