/* lib/net/hosts.h: in which order servers are tried: the hosts of a connection string, and the
 * addresses of one host. Both are given as indexes; what they index stays where it is. */
#ifndef TUSK_NET_HOSTS_H
#define TUSK_NET_HOSTS_H

#include "lib/net/resolve.h"
#include "proto/crypto.h"

/* Fills order[0..n) for n hosts: as written, or shuffled if crypto is given
 * (load_balance_hosts=random). TUSK_OK, or what crypto->random returned. */
int tusk__hosts_order(size_t *order, size_t n, const tusk__crypto *crypto);

/* Fills order[0..n) for the n addresses of one host: as resolved, or shuffled if crypto is given,
 * and then the families in turn (RFC 8305 section 4): where one family is dead, the second attempt
 * is already the other one. */
int tusk__addresses_order(size_t *order, const tusk__address *, size_t n,
                          const tusk__crypto *crypto);

#endif
