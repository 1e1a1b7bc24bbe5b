#!/bin/bash
# tests/cli_connect.sh TUSK: everything that a new user may get wrong about a connection: what tusk says
# to it, and with which exit status it ends. Each row of the table is one attempt; whatever it is about,
# no message may hold a secret, and none may take longer than 10 seconds.
#   cli_connect.sh TUSK [WORD]    only the rows with that word in their name, and what they print
# It calls itself inside tools/with-postgres, where the server's folder is known. TUSK_PG: its major
# version (default: the newest installed).
set -u
tusk=$1 only=${2:-}
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "${TUSK_TEST_INSIDE:-}" ]; then
    for name in $(compgen -e | grep '^PG'); do unset "$name"; done
    folder=$(mktemp -d "${TMPDIR:-/tmp}/tusk-connect.XXXXXX") || exit 1
    trap 'rm -rf "$folder"' EXIT
    certs=${TUSK_TEST_CERTS:-$folder/certs}
    [ -e "$certs" ] || sh "$here/make-certs" "$certs" || exit 1
    cp "$certs/root.crt" "$folder/trusted.crt"
    chmod 755 "$folder"
    chmod 644 "$folder/trusted.crt" # the server reads it as another user
    TUSK_TEST_INSIDE=$folder TUSK_TEST_CERTS=$certs "$here/../tools/with-postgres" --tls \
        ${TUSK_PG:+--version "$TUSK_PG"} --conf "ssl_ca_file=$folder/trusted.crt" "$here/cli_connect.sh" "$@"
    status=$?
    [ $status -ne 125 ] || status=77
    exit $status
fi

# ── the world ────────────────────────────────────────────────────────────────────────────────────
work=$TUSK_TEST_INSIDE c=$TUSK_TEST_CERTS root=$TUSK_TEST_ROOTCERT
sock=$PGHOST port=$PGPORT secret=$PGPASSWORD me=$PGUSER
version=$(psql -qXAtc 'show server_version_num') || exit 1
# As the server's user, who owns the file: it is overwritten, not replaced.
cat >"$TUSK_TEST_DATADIR/pg_hba.conf" <<HBA
local     all tusk           trust
local     all walk_peer      peer
host      all tusk           127.0.0.1/32 scram-sha-256
host      all walk_md5       127.0.0.1/32 md5
host      all walk_password  127.0.0.1/32 password
host      all walk_trust     127.0.0.1/32 trust
hostssl   all walk_cert      127.0.0.1/32 cert
hostssl   all walk_tls       127.0.0.1/32 trust
hostnossl all walk_plain     127.0.0.1/32 trust
HBA
psql -qX >/dev/null <<SQL || exit 1
set client_min_messages = error;
set password_encryption = md5;
create role walk_md5 login password '$secret';
reset password_encryption;
create role walk_password login password '$secret';
create role walk_peer login; create role walk_trust login; create role walk_cert login;
create role walk_tls login; create role walk_plain login; create role walk_nologin;
select pg_reload_conf();
SQL
python3 "$here/cli_connect_peers.py" "$c" "$work/ports" &
peers=$!
trap 'kill $peers' EXIT
for name in $(compgen -e | grep '^PG'); do unset "$name"; done
unset DATABASE_URL
export HOME=$work/home PGSYSCONFDIR=$work/home LC_ALL=C.UTF-8
mkdir "$HOME" "$work/empty"
printf '[right]\nhost=%s\nport=%s\nuser=%s\ndbname=postgres\n' "$sock" "$port" "$me" >"$HOME/.pg_service.conf"
printf '[typo]\nhots=x\n' >"$work/typo.service"
printf '[port]\nhost=localhost\nport=abc\n' >"$work/port.service"
printf '[wrong]\npassword=geheim\n' >"$work/wrong.service"
printf '*:*:*:*:%s\n' "$secret" >"$work/open.pgpass"
printf '*:*:*:*:geheim\n' >"$work/wrong.pgpass"
printf '*:*:*:nobody:%s\n' "$secret" >"$work/other.pgpass"
chmod 644 "$work/open.pgpass"
chmod 600 "$work/wrong.pgpass" "$work/other.pgpass"
while [ ! -e "$work/ports" ]; do sleep 0.1; done
# A port that nobody listens at: it was somebody's just now.
closed=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
# shellcheck source=/dev/null
. <(sed 's/^/p_/' "$work/ports")

# ── the table ────────────────────────────────────────────────────────────────────────────────────
# NAME | ENVIRONMENT | DSN | STATUS | what standard error must hold, `&&` between several, `!` before
# what it must not
tcp="host=127.0.0.1 port=$port dbname=postgres"
any="host=127.0.0.1 dbname=postgres user=$me password=$secret connect_timeout=5"
direct="0 | " too_new="0 | "
[ "$version" -ge 170000 ] || direct='2 | sslnegotiation=direct needs PostgreSQL 17 or later'
[ "$version" -ge 180000 ] ||
    too_new="2 | the server's protocol version is older than min_protocol_version allows"
full="host=db.example hostaddr=127.0.0.1 user=walk_trust connect_timeout=5 sslmode=verify-full sslrootcert=$c/root.crt"
# shellcheck disable=SC2154 # the ports
table() {
    sed '/^#/d' <<TABLE
# ── the text itself ──
misspelt keyword || hots=localhost | 2 | invalid connection option "hots"; did you mean "host"?
misspelt keyword in a URI || postgresql://localhost/?sslmod=require | 2 | invalid URI query parameter: "sslmod"; did you mean "sslmode"?
capital keyword || Host=localhost | 2 | invalid connection option "Host"; did you mean "host"?
no equals sign || localhost | 2 | missing "=" after "localhost" in connection info string; write keyword=value, and a value that holds spaces in
spaces around a word || host=localhost dbname | 2 | missing "=" after "dbname" in connection info string; write keyword=value, and a value that holds spaces in
open quote || host='localhost | 2 | unterminated quoted string in connection info string
password of two words || host=localhost password=geheim geheim2 | 2 | missing "=" after position 38 in connection info string; write keyword=value, and a value that holds spaces in
unknown scheme || mysql://u:geheim@localhost/db | 2 | missing "=" after "mysql://" in connection info string; a URI begins with postgresql:// or postgres://
misspelt scheme || postgre://u:geheim@localhost/db | 2 | missing "=" after "postgre://" in connection info string; a URI begins with postgresql:// or postgres://
jdbc || jdbc:postgresql://localhost/db | 2 | missing "=" after position 30 in connection info string; a URI begins with postgresql:// or postgres://
capital scheme || POSTGRESQL://localhost/db | 2 | missing "=" after "POSTGRESQL://" in connection info string; a URI begins with postgresql:// or postgres://
percent || postgresql://localhost/a%zz | 2 | invalid percent-encoded token at position 25 in URI; write %25 for a "%"
percent in password || postgresql://u:geheim%zz@localhost/ | 2 | invalid percent-encoded token at position 22 in URI; write %25 for a "%"
percent 00 || postgresql://localhost/a%00b | 2 | forbidden value %00 in percent-encoded value at position 25 in URI
open bracket || postgresql://[::1/db | 2 | end of string reached when looking for matching "]" in IPv6 host address in URI (position 15)
empty bracket || postgresql://[]/db | 2 | IPv6 host address may not be empty in URI (position 15)
behind bracket || postgresql://[::1]x/db | 2 | unexpected character "x" at position 19 in URI (expected ":" or "/")
two at signs || postgresql://u:geheim@heim2@localhost/db | 2 | invalid host name in connection option "host": it contains "@" (write %40 for an "@" in the user or password of
slash in password || postgresql://u:geheim/heim2@localhost/db | 2 | invalid integer value (not shown: write %40 and %2F for "@" and "/" in the password of a URI)
space in URI || postgresql://local host/db | 2 | unexpected spaces found in the host or port of the URI, use percent-encoded spaces (%20) instead
parameter without value || postgresql://localhost/db?sslmode | 2 | missing key/value separator "=" in URI query parameter: "sslmode"
parameter with two values || postgresql://localhost/db?sslmode=a=b | 2 | extra key/value separator "=" in URI query parameter: "sslmode"
driver scheme || postgresql+psycopg2://nobody@127.0.0.1:$closed/db | 2 | at "127.0.0.1", port $closed failed: Connection refused; does a server listen there? See host and port
driver scheme asyncpg || postgresql+asyncpg://127.0.0.1:$closed/db?ssl=require | 2 | invalid URI query parameter: "ssl"; did you mean "sslmode"?
driver scheme with nothing || postgresql+://127.0.0.1:$closed/db | 2 | at "127.0.0.1", port $closed failed: Connection refused; does a server listen there? See host and port
django scheme || postgis://127.0.0.1/db | 2 | missing "=" after "postgis://" in connection info string; a URI begins with postgresql:// or postgres://
semicolons || host=localhost;port=5432 | 2 | could not translate host name "localhost;port=5432" to address
comma between || host=localhost, port=$closed | 2 | at "localhost" (127.0.0.1), port $closed failed: Connection refused && .s.PGSQL.$closed" failed:
# ── values ──
sslmode || sslmode=on | 2 | invalid sslmode value: "on"; sslmode: disable, allow, prefer, require, verify-ca, verify-full
sslmode verify || sslmode=verify_full | 2 | invalid sslmode value: "verify_full"; sslmode: disable, allow, prefer, require, verify-ca, verify-full; not
sslnegotiation || sslnegotiation=tls | 2 | invalid sslnegotiation value: "tls"; sslnegotiation: postgres: ask first; direct: start with TLS
sslcertmode || sslcertmode=always | 2 | invalid sslcertmode value: "always"; sslcertmode: client certificate: disable, allow, require
channel_binding || channel_binding=on | 2 | invalid channel_binding value: "on"; channel_binding: SCRAM channel binding: disable, prefer, require
target_session_attrs || target_session_attrs=master | 2 | invalid target_session_attrs value: "master"; target_session_attrs: any, read-write, read-only, primary, standby
target_session_attrs underscore || target_session_attrs=read_write | 2 | invalid target_session_attrs value: "read_write"; target_session_attrs: any, read-write, read-only, primary,
load_balance_hosts || load_balance_hosts=on | 2 | invalid load_balance_hosts value: "on"; load_balance_hosts: order of hosts and addresses: disable, random
require_auth || require_auth=scram | 2 | invalid require_auth value: "scram"; require_auth: && scram-sha-256
require_auth mixed || require_auth=md5,!none | 2 | negative require_auth method "none" cannot be mixed with non-negative methods; require_auth: methods the server
require_auth mixed other || require_auth=!none,md5 | 2 | require_auth method "md5" cannot be mixed with negative methods; require_auth: methods the server may ask for:
require_auth twice || require_auth=md5,md5 | 2 | require_auth method "md5" is specified more than once; require_auth: methods the server may ask for: none,
require_auth empty element || require_auth=md5, | 2 | invalid require_auth value: ""; require_auth: methods the server may ask for: none, password, md5,
gssencmode || gssencmode=on | 2 | invalid gssencmode value: "on"; gssencmode: GSSAPI encryption: disable, prefer
gssencmode require || gssencmode=require | 2 | gssencmode value "require" invalid when GSSAPI support is not compiled in
min_protocol_version || min_protocol_version=3.1 | 2 | invalid min_protocol_version value: "3.1"; min_protocol_version: lowest protocol version: 3.0, 3.2, latest
max_protocol_version || max_protocol_version=2.0 | 2 | invalid max_protocol_version value: "2.0"; max_protocol_version: highest protocol version: 3.0, 3.2, latest;
protocol range || min_protocol_version=3.2 max_protocol_version=3.0 | 2 | min_protocol_version is greater than max_protocol_version
ssl_min_protocol_version || ssl_min_protocol_version=1.2 | 2 | invalid ssl_min_protocol_version value: "1.2"; ssl_min_protocol_version: lowest TLS version: TLSv1.2, TLSv1.3
ssl_max_protocol_version too low || ssl_max_protocol_version=TLSv1.1 | 2 | invalid SSL protocol version range; TLSv1.2 is the lowest that is spoken; ssl_max_protocol_version: highest TLS
TLS range || ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2 | 2 | invalid SSL protocol version range; ssl_min_protocol_version is TLSv1.3, but ssl_max_protocol_version TLSv1.2
pooler || pooler=bouncer | 2 | invalid pooler value: "bouncer"; pooler: what stands before the server: auto, none, session, transaction,
keepalives || keepalives=yes | 2 | invalid integer value "yes" for connection option "keepalives"; keepalives: TCP keepalives: 1 on, 0 off
sslsni || sslsni=yes | 2 | invalid sslsni value: "yes"; sslsni: send the server's name: 1 on, 0 off
sslcompression || sslcompression=yes host=$sock port=$closed | 2 | $sock/.s.PGSQL.$closed" failed: No such file
replication || $tcp user=walk_trust replication=maybe | 2 | at "127.0.0.1", port $port failed: FATAL 22023: invalid value for parameter && HINT: Valid values are: "false", 0, "true", 1, "database".
port word || port=postgres | 2 | invalid integer value "postgres" for connection option "port"; port: 1 to 65535, one for all hosts or one each
port too large || port=65536 | 2 | invalid port number: "65536"; port: 1 to 65535, one for all hosts or one each
port zero || port=0 | 2 | invalid port number: "0"; port: 1 to 65535, one for all hosts or one each
port negative || port=-1 | 2 | invalid port number: "-1"; port: 1 to 65535, one for all hosts or one each
two ports for three hosts || host=a,b,c port=1,2 | 2 | could not match 2 port numbers to 3 hosts
two hostaddrs || host=a,b hostaddr=127.0.0.1 | 2 | could not match 2 host names to 1 hostaddr values
hostaddr name || hostaddr=localhost | 2 | could not parse network address "localhost": && hostaddr: addresses to connect to, in numbers
connect_timeout || connect_timeout=5s | 2 | invalid integer value "5s" for connection option "connect_timeout"; connect_timeout: seconds for each host and
connect_timeout fraction || connect_timeout=0.5 | 2 | invalid integer value "0.5" for connection option "connect_timeout"; connect_timeout: seconds for each host and
connect_deadline || connect_deadline=soon | 2 | invalid integer value "soon" for connection option "connect_deadline"; connect_deadline: seconds for the whole
statement_cache || statement_cache=-1 | 2 | connection option "statement_cache" must be between 0 and 1000000; statement_cache: prepared statements kept
max_message || max_message=1 | 2 | connection option "max_message" must be between 65536 and 1073741823
pool_max || pool_max=0 | 2 | connection option "pool_max" must be between 1 and 1000000; pool_max: connections a pool opens at most
pool range || pool_min=5 pool_max=4 | 2 | pool_min is greater than pool_max
scram key || scram_client_key=geheim scram_server_key=x | 2 | invalid SCRAM client key; scram_client_key: SCRAM client key, 32 bytes in base64
scram key short || scram_client_key=Z2VoZWlt | 2 | invalid SCRAM client key length: 6; scram_client_key: SCRAM client key, 32 bytes in base64
scram key alone || scram_client_key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= | 2 | scram_client_key without scram_server_key: the server could not prove itself; set both
scram iterations || scram_min_iterations=9000 scram_max_iterations=5000 | 2 | scram_min_iterations is greater than scram_max_iterations
huge number || connect_timeout=99999999999999999999 | 2 | invalid integer value "99999999999999999999" for connection option "connect_timeout"; connect_timeout: seconds
at sign in host || host=u@localhost | 2 | invalid host name in connection option "host": it contains "@" (write %40 for an "@" in the user or password of
system roots weak || sslrootcert=system sslmode=require host=x | 2 | weak sslmode "require" may not be used with sslrootcert=system (use "verify-full")
direct weak || sslnegotiation=direct sslmode=prefer host=x | 2 | weak sslmode "prefer" may not be used with sslnegotiation=direct (use "require", "verify-ca", or "verify-full")
binding without TLS || channel_binding=require sslmode=disable host=x | 2 | channel_binding=require may not be used with sslmode=disable: there is no channel to bind to
certmode without TLS || sslcertmode=require sslmode=disable host=x | 2 | sslcertmode=require may not be used with sslmode=disable
client_encoding || $tcp user=walk_trust client_encoding=klingon | 2 | at "127.0.0.1", port $port failed: FATAL 22023: invalid value for parameter "client_encoding": "klingon"
options || $tcp user=walk_trust options=-cfoo=bar | 2 | at "127.0.0.1", port $port failed: FATAL 42704: unrecognized configuration parameter "foo"
options garbage || $tcp user=walk_trust options=--foo | 2 | at "127.0.0.1", port $port failed: FATAL 42601: --foo requires a value
# ── surroundings ──
PGPORT | PGPORT=abc | host=localhost | 2 | invalid integer value "abc" for connection option "port" (from the environment: PGPORT); port: 1 to 65535, one
PGSSLMODE | PGSSLMODE=on | host=localhost | 2 | invalid sslmode value: "on" (from the environment: PGSSLMODE); sslmode: disable, allow
PGCONNECT_TIMEOUT | PGCONNECT_TIMEOUT=ten | host=localhost | 2 | invalid integer value "ten" for connection option "connect_timeout" (from the environment: PGCONNECT_TIMEOUT);
PGTARGETSESSIONATTRS | PGTARGETSESSIONATTRS=rw | host=localhost | 2 | invalid target_session_attrs value: "rw" (from the environment: PGTARGETSESSIONATTRS); target_session_attrs:
PGTZ | PGTZ=Mars | $tcp user=walk_trust | 2 | at "127.0.0.1", port $port failed: FATAL 22023: invalid value for parameter "TimeZone": "Mars"
PGDATESTYLE | PGDATESTYLE=martian | $tcp user=walk_trust | 2 | at "127.0.0.1", port $port failed: FATAL 22023: invalid value for parameter "DateStyle": && DETAIL: Unrecognized key word: "martian".
PGOPTIONS | PGOPTIONS=-cfoo=bar | $tcp user=walk_trust | 2 | at "127.0.0.1", port $port failed: FATAL 42704: unrecognized configuration parameter "foo"
PGCLIENTENCODING | PGCLIENTENCODING=klingon | $tcp user=walk_trust | 2 | at "127.0.0.1", port $port failed: FATAL 22023: invalid value for parameter "client_encoding": "klingon"
PGAPPNAME empty | PGAPPNAME= | $tcp user=walk_trust | 0 |
PGHOST empty | PGHOST= PGPORT=$closed || 2 | .s.PGSQL.$closed" failed:
PGSERVICE | PGSERVICE=nowhere || 2 | definition of service "nowhere" not found
service || service=nowhere | 2 | definition of service "nowhere" not found; it is neither in "$HOME/.pg_service.conf" nor in "$HOME/pg_service.conf"
service file missing | PGSERVICEFILE=$work/nowhere | service=right | 2 | service file "$work/nowhere" not found
service file typo | PGSERVICEFILE=$work/typo.service | service=typo | 2 | syntax error in service file "$work/typo.service", line 2; did you mean "host"?
service file good || service=right | 0 |
service with bad port | PGSERVICEFILE=$work/port.service | service=port | 2 | invalid integer value "abc" for connection option "port" (from the service file); port: 1 to 65535, one for all
DATABASE_URL | DATABASE_URL=postgresql://localhost/?x=y || 2 | DATABASE_URL: invalid URI query parameter: "x"
pgpass open | PGPASSFILE=$work/open.pgpass | $tcp user=$me | 2 | warning: password file "$work/open.pgpass" has group or world access && but none was given (setting password, PGPASSWORD, or the password file "$work/open.pgpass")
pgpass wrong | PGPASSFILE=$work/wrong.pgpass | $tcp user=$me | 2 | password authentication failed for user "$me" (the password came from the password file "$work/wrong.pgpass")
pgpass other | PGPASSFILE=$work/other.pgpass | $tcp user=$me | 2 | but none was given (setting password, PGPASSWORD, or the password file "$work/other.pgpass")
pgpass missing | PGPASSFILE=$work/nowhere | $tcp user=$me | 2 | but none was given (setting password, PGPASSWORD, or the password file "$work/nowhere")
pgpass folder || passfile=$work/empty $tcp user=$me | 2 | warning: password file "$work/empty" is not a plain file && but none was given
# ── where ──
host that does not resolve || host=no.such.invalid | 2 | at "no.such.invalid", port 5432 failed:
host that refuses || host=127.0.0.1 port=$closed | 2 | at "127.0.0.1", port $closed failed: Connection refused; does a server listen there? See host and port
name that refuses || host=localhost port=$closed | 2 | at "localhost" (127.0.0.1), port $closed failed: Connection refused; does a server listen there? See host and
socket folder missing || host=/nowhere/at/all | 2 | on socket "/nowhere/at/all/.s.PGSQL.5432" failed: No such file or directory; does the server run, with this
socket missing || host=$work/empty | 2 | on socket "$work/empty/.s.PGSQL.5432" failed: No such file or directory; does the server run, with this socket?
socket too long || host=/$(printf 'x%.0s' {1..120}) | 2 | is too long (135 bytes, maximum 107 bytes)
abstract socket || host=@nobody-is-there | 2 | on socket "@nobody-is-there/.s.PGSQL.5432" failed: Connection refused; does the server run, with this socket?
several hosts || host=no.such.invalid,127.0.0.1,$work/empty,127.0.0.1 port=$closed,$closed,$port,$p_silent user=$me connect_timeout=1 | 2 | at "no.such.invalid", port $closed failed: && at "127.0.0.1", port $closed failed: Connection refused && $work/empty/.s.PGSQL.$port" failed: No such file && port $p_silent failed: timeout expired (setting connect_timeout)
silent || $any port=$p_silent connect_timeout=1 | 2 | at "127.0.0.1", port $p_silent failed: timeout expired (setting connect_timeout)
silent with deadline || $any port=$p_silent connect_timeout=0 connect_deadline=1 | 2 | at "127.0.0.1", port $p_silent failed: the time for connecting is over (setting connect_deadline)
hangs up || $any port=$p_hangs_up | 2 | port $p_hangs_up failed:
http || $any port=$p_http | 2 | port $p_http failed: the server gave no valid answer to SSLRequest; is it a PostgreSQL server?
http without TLS || $any port=$p_http sslmode=disable | 2 | port $p_http failed: && is it a PostgreSQL server? See the settings host and port
ssh || $any port=$p_ssh | 2 | port $p_ssh failed: && is it a PostgreSQL server? See the settings host and port
starting || $any port=$p_starting sslmode=disable | 2 | at "127.0.0.1", port $p_starting failed: FATAL 57P03: the database system is starting up
crowded || $any port=$p_crowded sslmode=disable | 2 | at "127.0.0.1", port $p_crowded failed: FATAL 53300: sorry, too many clients already
nobody meets || host=$sock,$sock port=$port,$port dbname=postgres user=$me target_session_attrs=standby | 2 | on socket "$sock/.s.PGSQL.$port" failed: server is not in hot standby mode && on socket "$sock/.s.PGSQL.$port" failed: server is not in hot standby mode
read-only || host=$sock port=$port dbname=postgres user=$me target_session_attrs=read-only | 2 | on socket "$sock/.s.PGSQL.$port" failed: session is not read-only (target_session_attrs=read-only)
# ── who ──
wrong password || $tcp user=$me password=geheim | 2 | at "127.0.0.1", port $port failed: FATAL 28P01: password authentication failed for user "$me"
password of the environment | PGPASSWORD=geheim | $tcp user=$me | 2 | password authentication failed for user "$me" (the password came from PGPASSWORD)
password of the service file | PGSERVICEFILE=$work/wrong.service | service=wrong $tcp user=$me | 2 | (the password came from the service file)
password in quotes that break || host=localhost password='it's geheim' | 2 | missing "=" after position
other driver's words || Server=localhost Database=x | 2 | invalid connection option "Server"; did you mean "host"?
missing password || $tcp user=$me | 2 | the server asked for a password (SCRAM), but none was given (setting password, PGPASSWORD, or the password file
empty password || $tcp user=$me password='' | 2 | at "127.0.0.1", port $port failed: the server asked for a password (SCRAM), but none was given (setting
wrong user || $tcp user=nobody_i_know password=$secret | 2 | at "127.0.0.1", port $port failed: FATAL 28000: no pg_hba.conf entry for host "127.0.0.1", user
no login || $tcp user=walk_nologin | 2 | at "127.0.0.1", port $port failed: FATAL 28000: no pg_hba.conf entry for host "127.0.0.1", user "walk_nologin",
wrong database || host=$sock port=$port dbname=nowhere user=$me | 2 | on socket "$sock/.s.PGSQL.$port" failed: FATAL 3D000: database "nowhere" does not exist
empty user || host=$sock port=$port user='' dbname=postgres | 2 | user "$(id -un)"
long database || host=$sock port=$port user=$me dbname=$(printf 'x%.0s' {1..5000}) | 2 | on socket "$sock/.s.PGSQL.$port" failed: FATAL 3D000: database
too long startup || host=$sock port=$port user=$me dbname=$(printf 'x%.0s' {1..12000}) | 2 | on socket "$sock/.s.PGSQL.$port" failed: the startup parameters are longer than 10000 bytes (settings options,
peer || host=$sock port=$port dbname=postgres user=walk_peer | 2 | on socket "$sock/.s.PGSQL.$port" failed: FATAL 28000: Peer authentication failed for user "walk_peer"
requirepeer || host=$sock port=$port dbname=postgres user=$me requirepeer=somebody_else | 2 | requirepeer wants the server to belong to "somebody_else", but it belongs to "
requirepeer unknown || host=$sock port=$port dbname=postgres user=$me requirepeer=root | 2 | requirepeer wants the server to belong to "root", but it belongs to "
md5 without TLS || $tcp user=walk_md5 password=$secret sslmode=disable | 0 |
password without verified TLS || $tcp user=walk_password password=$secret sslmode=require | 2 | a cleartext password over a connection that is not verified TLS; sslmode=verify-full makes it so, require_auth=password
password without TLS || $tcp user=walk_password password=$secret sslmode=disable | 2 | a cleartext password over a connection that is not verified TLS; sslmode=verify-full makes it so
require_auth none || $tcp user=$me password=$secret require_auth=none | 2 | at "127.0.0.1", port $port failed: authentication method requirement "none" failed: the server asked for a
require_auth md5 || $tcp user=$me password=$secret require_auth=md5 | 2 | at "127.0.0.1", port $port failed: authentication method requirement "md5" failed: the server asked for a
require_auth not scram || $tcp user=$me password=$secret require_auth=!scram-sha-256 | 2 | at "127.0.0.1", port $port failed: authentication method requirement "!scram-sha-256" failed: the server asked
require_auth against trust || $tcp user=walk_trust require_auth=scram-sha-256 | 2 | at "127.0.0.1", port $port failed: authentication method requirement "scram-sha-256" failed: the server did not
require_auth against trust negative || $tcp user=walk_trust require_auth=!none | 2 | at "127.0.0.1", port $port failed: authentication method requirement "!none" failed: the server did not ask for
binding without TLS here || $tcp user=$me password=$secret channel_binding=require sslmode=allow | 2 | at "127.0.0.1", port $port failed: channel binding is required (channel_binding=require), but the connection is
binding on a socket || host=$sock port=$port dbname=postgres user=$me channel_binding=require | 2 | on socket "$sock/.s.PGSQL.$port" failed: channel binding is required (channel_binding=require), but the server
binding against trust || $tcp user=walk_trust channel_binding=require | 2 | at "127.0.0.1", port $port failed: channel binding is required (channel_binding=require), but the server
gss || $any port=$p_gss sslmode=disable | 2 | at "127.0.0.1", port $p_gss failed: the server asked for GSSAPI or SSPI authentication, which tusk does not
sspi || $any port=$p_sspi sslmode=disable | 2 | at "127.0.0.1", port $p_sspi failed: the server asked for GSSAPI or SSPI authentication, which tusk does not
unknown auth || $any port=$p_unknown_auth sslmode=disable | 2 | at "127.0.0.1", port $p_unknown_auth failed: the server asked for an authentication method that tusk does not
cleartext by remote || $any port=$p_cleartext sslmode=disable | 2 | at "127.0.0.1", port $p_cleartext failed: the server asked for a cleartext password over a connection that is
oauth || $tcp user=$me require_auth=oauth | 2 | at "127.0.0.1", port $port failed: authentication method requirement "oauth" failed: the server asked for a
scram keys wrong || $tcp user=$me scram_client_key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= scram_server_key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= | 2 | at "127.0.0.1", port $port failed: FATAL 28P01: password authentication failed for user "$me"
# ── TLS ──
TLS wanted, none there || $any port=$p_no_tls sslmode=require | 2 | at "127.0.0.1", port $p_no_tls failed: the server does not support TLS, but sslmode requires it
TLS wanted, none there, verify || $any port=$p_no_tls sslmode=verify-full sslrootcert=$root | 2 | at "127.0.0.1", port $p_no_tls failed: the server does not support TLS, but sslmode requires it
SSLRequest refused || $any port=$p_refuses_ssl_request sslmode=require | 2 | at "127.0.0.1", port $p_refuses_ssl_request failed: the server gave no valid answer to SSLRequest; is it a
stuffed || $any port=$p_stuffed sslmode=require | 2 | at "127.0.0.1", port $p_stuffed failed: received unencrypted data after the answer to SSLRequest; is it a
silent in TLS || $any port=$p_silent_after_s sslmode=require connect_timeout=1 | 2 | at "127.0.0.1", port $p_silent_after_s failed: timeout expired (setting connect_timeout)
plain for TLS-only user || $tcp user=walk_tls sslmode=disable | 2 | at "127.0.0.1", port $port failed: FATAL 28000: no pg_hba.conf entry for host "127.0.0.1", user "walk_tls",
TLS for plain-only user || $tcp user=walk_plain sslmode=require | 2 | at "127.0.0.1", port $port failed: FATAL 28000: no pg_hba.conf entry for host "127.0.0.1", user "walk_plain",
verify-full without root || $tcp user=walk_trust sslmode=verify-full | 2 | sslmode=verify-full needs sslrootcert: set it to the file && or to system
verify-ca without root || $tcp user=walk_trust sslmode=verify-ca | 2 | at "127.0.0.1", port $port failed: sslmode=verify-ca needs sslrootcert: set it to the file of the server's
missing root || $tcp user=walk_trust sslmode=verify-full sslrootcert=$work/nowhere.crt | 2 | at "127.0.0.1", port $port failed: could not read sslrootcert "$work/nowhere.crt": No such file or directory
missing root with require || $tcp user=walk_trust sslmode=require sslrootcert=$work/nowhere.crt | 2 | at "127.0.0.1", port $port failed: could not read sslrootcert "$work/nowhere.crt": No such file or directory
rubbish root || $tcp user=walk_trust sslmode=verify-full sslrootcert=$c/rubbish.pem | 2 | could not read sslrootcert "$c/rubbish.pem" (it has to hold certificates in PEM form):
empty root || $tcp user=walk_trust sslmode=verify-full sslrootcert=$c/empty.pem | 2 | could not read sslrootcert "$c/empty.pem" (it has to hold certificates in PEM form):
root is a folder || $tcp user=walk_trust sslmode=verify-full sslrootcert=$work | 2 | could not read sslrootcert "$work" (it has to hold certificates in PEM form):
system root || host=localhost port=$port user=walk_trust sslmode=verify-full sslrootcert=system | 2 | "localhost" (127.0.0.1), port $port failed: the server's certificate was refused: && set sslrootcert to the file of its authority
other root || $tcp user=walk_trust sslmode=verify-ca sslrootcert=$c/other.crt | 2 | the server's certificate was refused: && set sslrootcert to the file of its authority
wrong name || $full port=$p_wrong_name | 2 | "db.example" (127.0.0.1), port $p_wrong_name failed: the server's certificate is not for "db.example"; set host
wrong address || host=127.0.0.1 port=$p_wrong_name user=$me sslmode=verify-full sslrootcert=$c/root.crt | 2 | at "127.0.0.1", port $p_wrong_name failed: the server's certificate is not for "127.0.0.1"; set host to a name
hostaddr only || hostaddr=127.0.0.1 port=$p_good user=$me sslmode=verify-full sslrootcert=$c/root.crt | 2 | sslmode=verify-full needs a host name to check: set host
expired || $full port=$p_expired | 2 | the server's certificate was refused: certificate has expired; renew it, or check this machine's clock
not yet || $full port=$p_not_yet | 2 | the server's certificate was refused: certificate is not yet valid; check this machine's clock
self signed || $full port=$p_self_signed | 2 | the server's certificate was refused: && set sslrootcert to the file of this certificate
stranger || $full port=$p_stranger | 2 | "db.example" (127.0.0.1), port $p_stranger failed: the server's certificate was refused: && set sslrootcert
no intermediate || $full port=$p_no_intermediate | 2 | the server's certificate was refused: && let the server send the intermediate certificates
for clients || $full port=$p_for_clients | 2 | the server's certificate was refused: && it was not made for servers
revoked || $full port=$p_revoked sslcrl=$c/root.crl | 2 | the server's certificate was refused: certificate revoked; it is in the list of sslcrl or sslcrldir
CRL expired || $full port=$p_good sslcrl=$c/expired.crl | 2 | the server's certificate was refused: CRL has expired; renew the list of sslcrl or sslcrldir
CRL missing || $full port=$p_good sslcrl=$work/nowhere.crl | 2 | at "db.example" (127.0.0.1), port $p_good failed: could not read sslcrl "$work/nowhere.crl": No such file or
CRL of another || $full port=$p_good sslcrl=$c/inter.crl | 2 | sslcrl or sslcrldir needs a list of each authority in the chain
CRL folder missing || $full port=$p_good sslcrldir=$work/nowhere | 2 | at "db.example" (127.0.0.1), port $p_good failed: could not read sslcrldir "$work/nowhere": No such file or
CRL folder empty || $full port=$p_good sslcrldir=$work/empty | 2 | sslcrl or sslcrldir needs a list of each authority in the chain
CRL without root || $tcp user=walk_trust sslmode=require sslcrl=$c/root.crl | 2 | at "127.0.0.1", port $port failed: sslcrl without sslrootcert: no certificate would be checked against it
old TLS || $full port=$p_old_tls | 2 | see ssl_min_protocol_version and ssl_max_protocol_version
TLS 1.3 wanted || $full port=$p_tls12 ssl_min_protocol_version=TLSv1.3 | 2 | see ssl_min_protocol_version and ssl_max_protocol_version
direct to old server || $tcp user=walk_trust sslmode=require sslnegotiation=direct | $direct
direct to http || $any port=$p_http sslmode=require sslnegotiation=direct | 2 | port $p_http failed: TLS failed: && the server does not speak TLS here
direct to silent || $any port=$p_silent sslmode=require sslnegotiation=direct connect_timeout=1 | 2 | at "127.0.0.1", port $p_silent failed: timeout expired (setting connect_timeout)
direct without ALPN || $full port=$p_no_alpn sslnegotiation=direct | 2 | at "db.example" (127.0.0.1), port $p_no_alpn failed: the server speaks TLS, but did not agree to the protocol
other ALPN || $full port=$p_other_alpn sslnegotiation=direct | 2 | at "db.example" (127.0.0.1), port $p_other_alpn failed: the server speaks TLS, but did not agree to the
cert missing || $tcp user=walk_cert sslmode=require sslcert=$work/nowhere.crt sslkey=$c/client.key | 2 | at "127.0.0.1", port $port failed: could not read sslcert "$work/nowhere.crt": No such file or directory
key missing || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt sslkey=$work/nowhere.key | 2 | at "127.0.0.1", port $port failed: could not read sslkey "$work/nowhere.key": No such file or directory
cert without key || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt | 2 | at "127.0.0.1", port $port failed: sslcert is set, but sslkey is not
key without cert || $tcp user=walk_cert sslmode=require sslkey=$c/client.key | 2 | at "127.0.0.1", port $port failed: FATAL 28000: connection requires a valid client certificate
key open || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt sslkey=$c/client-open.key | 2 | others can read sslkey "$c/client-open.key": its mode has to be 0600 or less
key of another || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt sslkey=$c/client-other.key | 2 | sslkey "$c/client-other.key" does not belong to sslcert:
key locked || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt sslkey=$c/client-encrypted.key | 2 | at "127.0.0.1", port $port failed: sslkey "$c/client-encrypted.key" is encrypted: set sslpassword
key locked, wrong word || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt sslkey=$c/client-encrypted.key sslpassword=geheim | 2 | at "127.0.0.1", port $port failed: sslkey "$c/client-encrypted.key" is encrypted: sslpassword does not open it
key is rubbish || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt sslkey=$c/rubbish.pem | 2 | could not read sslkey "$c/rubbish.pem" (it has to hold a private key in PEM or DER form):
key engine || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt sslkey=pkcs11:key | 2 | at "127.0.0.1", port $port failed: sslkey "pkcs11:key": engines are not supported, set sslkey to a file
cert is rubbish || $tcp user=walk_cert sslmode=require sslcert=$c/rubbish.pem sslkey=$c/client.key | 2 | could not read sslcert "$c/rubbish.pem" (it has to hold a certificate in PEM form): && !PEM lib
cert needed || $tcp user=walk_cert sslmode=require | 2 | at "127.0.0.1", port $port failed: FATAL 28000: connection requires a valid client certificate
cert of another user || $tcp user=walk_cert sslmode=require sslcert=$c/client.crt sslkey=$c/client.key | 2 | at "127.0.0.1", port $port failed: FATAL 28000: certificate authentication failed for user "walk_cert"
cert of a stranger || $tcp user=walk_cert sslmode=require sslcert=$c/client-stranger.crt sslkey=$c/client.key | 2 | the server ended TLS: && the server does not trust the authority of sslcert
cert expired || $tcp user=walk_cert sslmode=require sslcert=$c/client-expired.crt sslkey=$c/client.key | 2 | the server ended TLS: && the server holds sslcert for expired
certmode require || $tcp user=walk_trust sslmode=require sslcertmode=require | 2 | at "127.0.0.1", port $port failed: sslcertmode=require needs sslcert and sslkey
keylog || $tcp user=walk_trust sslmode=require sslkeylogfile=/nowhere/at/all | 2 | at "127.0.0.1", port $port failed: could not open sslkeylogfile "/nowhere/at/all": No such file or directory
# ── protocol ──
min protocol too new || $tcp user=walk_trust min_protocol_version=3.2 | $too_new
max protocol || $tcp user=walk_trust max_protocol_version=3.2 | 0 |
max protocol latest || $tcp user=walk_trust max_protocol_version=latest | 0 |
TABLE
}

# ── the attempts ─────────────────────────────────────────────────────────────────────────────────
trim() {
    local text=${1#"${1%%[! ]*}"}
    printf '%s' "${text%"${text##*[! ]}"}"
}

# attempt NUMBER ENVIRONMENT DSN: what it says goes to err.NUMBER, how it ends to status.NUMBER.
attempt() {
    local environment
    read -ra environment <<<"$2"
    timeout -k 1 10 env ${environment[@]+"${environment[@]}"} "$tusk" ping ${3:+"$3"} \
        >/dev/null 2>"$work/err.$1" </dev/null
    echo $? >"$work/status.$1"
}

# judge NUMBER NAME STATUS NEEDLES: whether that was right.
judge() {
    local said status needle rest=$4 wrong=
    said=$(<"$work/err.$1")
    status=$(<"$work/status.$1")
    [ "$status" -eq "$3" ] || wrong+="  the exit status is $status, not $3"$'\n'
    for needle in geheim heim2 "$secret"; do
        case $said in *"$needle"*) wrong+="  it holds a secret"$'\n' ;; esac
    done
    while [ -n "$rest" ]; do
        needle=$(trim "${rest%%&&*}")
        case $rest in *'&&'*) rest=${rest#*&&} ;; *) rest= ;; esac
        case $needle in
            !*) case $said in *"${needle#!}"*) wrong+="  it must not hold: ${needle#!}"$'\n' ;; esac ;;
            *) case $said in *"$needle"*) ;; *) wrong+="  it has to hold: $needle"$'\n' ;; esac ;;
        esac
    done
    [ -z "$only" ] || printf '%s: %s\n  %s\n' "$2" "$status" "$said"
    [ -z "$wrong" ] && return
    failures=$((failures + 1))
    printf 'FAILED: %s\n%s  it said: %s\n' "$2" "$wrong" "$said"
}

names=() environments=() dsns=() wants=() needles=()
while IFS='|' read -r name environment dsn want needle; do
    case $name in *"$only"*) ;; *) continue ;; esac
    names+=("$(trim "$name")")
    environments+=("$environment")
    dsns+=("$(trim "$dsn")")
    wants+=("$(trim "$want")")
    needles+=("$needle")
done < <(table)

# Several at once: most of their time they wait.
running=()
for i in "${!names[@]}"; do
    attempt "$i" "${environments[$i]}" "${dsns[$i]}" &
    running+=($!)
    [ ${#running[@]} -lt 8 ] || {
        wait "${running[0]}"
        running=("${running[@]:1}")
    }
done
[ ${#running[@]} -eq 0 ] || wait "${running[@]}"

failures=0
for i in "${!names[@]}"; do judge "$i" "${names[$i]}" "${wants[$i]}" "${needles[$i]}"; done
printf '%d attempts, %d wrong\n' ${#names[@]} $failures
[ ${#names[@]} -gt 0 ] && [ $failures -eq 0 ]
