/* lib/config/list.h: every setting there is, a line each. To add one, add a line (and its field to
 * tusk__settings).
 *
 * X(key, environment variable or NULL, default or NULL, how, kind, what it is for)
 *   how: what tusk__settings_build does with the text, see lib/config/list.c:
 *     BUILT        by hand, in settings.c or hosts.c
 *     IGNORED      accepted because libpq has it, without effect
 *     TEXT(f)      the text itself; empty is NULL
 *     WORD(f, w)   one of the words w, as its number; NAME(f, w): as its text
 *     VALID(w)     one of the words w, only checked
 *     CLAMPED(f)   an integer, negative is 0, as libpq takes it
 *     RANGE(f, lowest, highest)   an integer, anything outside is an error
 *     SECONDS(f)   nanoseconds; 0 and less is TUSK_NEVER
 *     SWITCH(f)    an integer, 0 is off; ONE(f): 0 or 1
 *   kind: OPEN, SECRET (never printed), ENV_ONLY (no keyword: only the variable sets it)
 * An empty value means "not given", as for most consumers in libpq. */
#ifndef TUSK_CONFIG_LIST_H
#define TUSK_CONFIG_LIST_H

/* clang-format off */
#define TUSK__SETTING_LIST(X) \
    /* where and who */ \
    X(service, "PGSERVICE", NULL, BUILT, OPEN, "group of the service file to read") \
    X(host, "PGHOST", NULL, BUILT, OPEN, "host names or socket directories, comma-separated") \
    X(hostaddr, "PGHOSTADDR", NULL, BUILT, OPEN, \
      "addresses to connect to, in numbers; names go into host") \
    X(port, "PGPORT", "5432", BUILT, OPEN, "1 to 65535, one for all hosts or one each") \
    X(dbname, "PGDATABASE", NULL, BUILT, OPEN, "database; the user's name if not given") \
    X(user, "PGUSER", NULL, BUILT, OPEN, "user; the operating system's user if not given") \
    X(password, "PGPASSWORD", NULL, BUILT, SECRET, "password") \
    X(passfile, "PGPASSFILE", NULL, TEXT(passfile), OPEN, "password file") \
    X(options, "PGOPTIONS", NULL, TEXT(options), OPEN, \
      "command-line options for the server process") \
    X(application_name, "PGAPPNAME", NULL, BUILT, OPEN, "name shown in pg_stat_activity") \
    X(fallback_application_name, NULL, NULL, BUILT, OPEN, \
      "application_name if that is not given") \
    X(client_encoding, "PGCLIENTENCODING", "UTF8", BUILT, OPEN, "client encoding; auto is UTF8") \
    X(replication, NULL, NULL, TEXT(replication), OPEN, \
      "replication mode: database, true, false") \
    X(datestyle, "PGDATESTYLE", NULL, BUILT, ENV_ONLY, "DateStyle of the session") \
    X(timezone, "PGTZ", NULL, BUILT, ENV_ONLY, "TimeZone of the session") \
    X(geqo, "PGGEQO", NULL, BUILT, ENV_ONLY, "geqo of the session") \
    /* reaching the server */ \
    X(connect_timeout, "PGCONNECT_TIMEOUT", NULL, SECONDS(connect_timeout), OPEN, \
      "seconds for each host and address; 0: no limit") \
    X(connect_deadline, NULL, "15", SECONDS(connect_deadline), OPEN, \
      "seconds for the whole connect: DNS, TCP, TLS, authentication, all hosts; 0: no limit") \
    X(keepalives, NULL, "1", SWITCH(keepalives), OPEN, "TCP keepalives: 1 on, 0 off") \
    X(keepalives_idle, NULL, "0", CLAMPED(keepalives_idle), OPEN, \
      "seconds idle before a keepalive; 0: system") \
    X(keepalives_interval, NULL, "0", CLAMPED(keepalives_interval), OPEN, \
      "seconds between keepalives; 0: system") \
    X(keepalives_count, NULL, "0", CLAMPED(keepalives_count), OPEN, \
      "lost keepalives that end it; 0: system") \
    X(tcp_user_timeout, NULL, "0", CLAMPED(tcp_user_timeout), OPEN, \
      "milliseconds data may stay unacknowledged; 0: system") \
    X(target_session_attrs, "PGTARGETSESSIONATTRS", "any", \
      WORD(target_session_attrs, session_attrs_words), OPEN, \
      "any, read-write, read-only, primary, standby, prefer-standby") \
    X(load_balance_hosts, "PGLOADBALANCEHOSTS", "disable", \
      WORD(load_balance_random, balance_words), OPEN, \
      "order of hosts and addresses: disable, random") \
    X(min_protocol_version, "PGMINPROTOCOLVERSION", "3.0", \
      WORD(min_protocol, protocol_words), OPEN, \
      "lowest protocol version: 3.0, 3.2, latest") \
    X(max_protocol_version, "PGMAXPROTOCOLVERSION", NULL, \
      WORD(max_protocol, protocol_words), OPEN, \
      "highest protocol version: 3.0, 3.2, latest; not given: 3.0, or latest if the lowest is above it") \
    /* TLS */ \
    X(sslmode, "PGSSLMODE", NULL, WORD(sslmode, sslmode_words), OPEN, \
      "disable, allow, prefer, require, verify-ca, verify-full; not given: require unless local") \
    X(sslnegotiation, "PGSSLNEGOTIATION", "postgres", WORD(ssl_direct, negotiation_words), OPEN, \
      "postgres: ask first; direct: start with TLS") \
    X(sslcompression, "PGSSLCOMPRESSION", "0", IGNORED, OPEN, \
      "ignored: TLS compression is insecure") \
    X(sslcert, "PGSSLCERT", NULL, TEXT(sslcert), OPEN, "client certificate") \
    X(sslkey, "PGSSLKEY", NULL, TEXT(sslkey), OPEN, "client key") \
    X(sslpassword, NULL, NULL, TEXT(sslpassword), SECRET, "pass phrase of the client key") \
    X(sslcertmode, "PGSSLCERTMODE", "allow", NAME(sslcertmode, certmode_words), OPEN, \
      "client certificate: disable, allow, require") \
    X(sslrootcert, "PGSSLROOTCERT", NULL, TEXT(sslrootcert), OPEN, \
      "trusted roots; system: the system's") \
    X(sslcrl, "PGSSLCRL", NULL, TEXT(sslcrl), OPEN, "certificate revocation list") \
    X(sslcrldir, "PGSSLCRLDIR", NULL, TEXT(sslcrldir), OPEN, "directory of revocation lists") \
    X(sslsni, "PGSSLSNI", "1", ONE(sslsni), OPEN, "send the server's name: 1 on, 0 off") \
    X(ssl_min_protocol_version, "PGSSLMINPROTOCOLVERSION", "TLSv1.2", BUILT, OPEN, \
      "lowest TLS version: TLSv1.2, TLSv1.3") \
    X(ssl_max_protocol_version, "PGSSLMAXPROTOCOLVERSION", NULL, BUILT, OPEN, \
      "highest TLS version: TLSv1.2, TLSv1.3") \
    X(sslkeylogfile, NULL, NULL, TEXT(sslkeylogfile), OPEN, \
      "file that gets the TLS secrets, for debugging") \
    /* authentication */ \
    X(channel_binding, "PGCHANNELBINDING", "prefer", WORD(channel_binding, binding_words), OPEN, \
      "SCRAM channel binding: disable, prefer, require") \
    X(require_auth, "PGREQUIREAUTH", NULL, BUILT, OPEN, "methods the server may ask for: none, password, md5, scram-sha-256, oauth; or none of these: " \
      "!password,!md5") \
    X(requirepeer, "PGREQUIREPEER", NULL, TEXT(requirepeer), OPEN, \
      "owner of the server behind a unix socket") \
    X(scram_client_key, NULL, NULL, BUILT, SECRET, "SCRAM client key, 32 bytes in base64") \
    X(scram_server_key, NULL, NULL, BUILT, SECRET, "SCRAM server key, 32 bytes in base64") \
    X(scram_min_iterations, NULL, "4096", RANGE(scram_min_iterations, 1, 0x7fffffff), OPEN, \
      "fewest SCRAM iterations a server may ask for") \
    X(scram_max_iterations, NULL, "1000000", RANGE(scram_max_iterations, 1, 0x7fffffff), OPEN, \
      "most SCRAM iterations a server may ask for") \
    X(gssencmode, "PGGSSENCMODE", "disable", VALID(gssencmode_words), OPEN, \
      "GSSAPI encryption: disable, prefer") \
    X(krbsrvname, "PGKRBSRVNAME", "postgres", IGNORED, OPEN, "ignored: no GSSAPI") \
    X(gsslib, "PGGSSLIB", NULL, IGNORED, OPEN, "ignored: no GSSAPI") \
    X(gssdelegation, "PGGSSDELEGATION", "0", IGNORED, OPEN, "ignored: no GSSAPI") \
    X(oauth_issuer, NULL, NULL, TEXT(oauth_issuer), OPEN, "OAuth issuer URL") \
    X(oauth_client_id, NULL, NULL, TEXT(oauth_client_id), OPEN, "OAuth client id") \
    X(oauth_client_secret, NULL, NULL, TEXT(oauth_client_secret), SECRET, "OAuth client secret") \
    X(oauth_scope, NULL, NULL, TEXT(oauth_scope), OPEN, "OAuth scope") \
    /* tusk's own */ \
    X(statement_cache, NULL, "512", RANGE(statement_cache, 0, 1000000), OPEN, \
      "prepared statements kept per connection; 0: none is ever named") \
    X(pooler, NULL, "auto", WORD(pooler, pooler_words), OPEN, \
      "what stands before the server: auto, none, session, transaction, pgbouncer, odyssey, " \
      "supavisor, pgcat, rds") \
    X(max_message, NULL, "1073741823", RANGE(max_message, 65536, 0x3fffffff), OPEN, \
      "bytes of the largest row or piece of COPY data accepted") \
    X(pool_min, NULL, "0", RANGE(pool_min, 0, 1000000), OPEN, "connections a pool keeps open") \
    X(pool_max, NULL, "10", RANGE(pool_max, 1, 1000000), OPEN, \
      "connections a pool opens at most") \
    X(pool_idle, NULL, "600", SECONDS(pool_idle), OPEN, \
      "seconds until an unused one is closed; 0: never") \
    X(pool_lifetime, NULL, "3600", SECONDS(pool_lifetime), OPEN, \
      "seconds until one is replaced; 0: never") \
    X(pool_timeout, NULL, "30", SECONDS(pool_timeout), OPEN, \
      "seconds to wait for a connection; 0: no limit") \
    X(pool_max_waiting, NULL, "0", RANGE(pool_max_waiting, 0, 0x7fffffff), OPEN, \
      "borrowers that may wait; 0: no limit")
/* clang-format on */

#endif
