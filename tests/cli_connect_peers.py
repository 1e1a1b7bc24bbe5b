#!/usr/bin/env python3
"""tests/cli_connect_peers.py: what answers at a port where a PostgreSQL server was expected.

    cli_connect_peers.py CERTS PORTS

Listens on a loopback port for each name below, writes `name=port` lines to the file PORTS, and then
serves until it is killed. CERTS is what tests/make-certs made."""
import os
import socket
import ssl
import sys
import threading
import time
import warnings

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


def message(letter, body):
    return letter + (len(body) + 4).to_bytes(4, "big") + body


def error(state, text):
    fields = b"".join(k + v.encode() + b"\0" for k, v in
                      ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", state), (b"M", text)))
    return message(b"E", fields + b"\0")


def linger(client):
    """Until the client has gone."""
    while client.recv(4096):
        pass


def silent(client):
    linger(client)


def hangs_up(client):
    client.recv(1)


def says(*answers):
    """Sends these, one after each thing that it is told."""
    def serve(client):
        for answer in answers:
            client.recv(4096)
            client.sendall(answer)
        linger(client)
    return serve


def speaks(banner):
    """Does not wait to be asked."""
    def serve(client):
        client.sendall(banner)
        linger(client)
    return serve


def tls(cert, key="server", alpn=True, top=None, client_root=None):
    def serve(client):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(f"{CERTS}/{cert}.crt", f"{CERTS}/{key}.key")
        if alpn:
            context.set_alpn_protocols([alpn if isinstance(alpn, str) else "postgresql"])
        if top:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = top
        first = client.recv(8, socket.MSG_PEEK)
        if first == SSL_REQUEST:
            client.recv(8)
            client.sendall(b"S")
        inside = context.wrap_socket(client, server_side=True)
        inside.recv(4096)
        inside.sendall(error("28000", "that far nobody was to come"))
        linger(inside)
    return serve


PEERS = {
    "silent": silent,
    "hangs_up": hangs_up,
    "http": says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "ssh": speaks(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "no_tls": says(b"N"),
    "refuses_ssl_request": says(error("0A000", "unsupported frontend protocol")),
    "stuffed": says(b"S" + message(b"R", b"\0\0\0\0")),
    "silent_after_s": says(b"S", b""),
    "gss": says(message(b"R", b"\0\0\0\7")),
    "krb5": says(message(b"R", b"\0\0\0\2")),
    "sspi": says(message(b"R", b"\0\0\0\x09")),
    "unknown_auth": says(message(b"R", b"\0\0\0\x63")),
    "cleartext": says(message(b"R", b"\0\0\0\3")),
    "md5": says(message(b"R", b"\0\0\0\5salt")),
    "iterations": says(message(b"R", b"\0\0\0\x0aSCRAM-SHA-256\0\0")),
    "starting": says(error("57P03", "the database system is starting up")),
    "crowded": says(error("53300", "sorry, too many clients already")),
    "expired": tls("expired"),
    "not_yet": tls("not-yet"),
    "wrong_name": tls("wrong-name"),
    "revoked": tls("revoked"),
    "good": tls("good"),
    "self_signed": tls("self-signed"),
    "stranger": tls("stranger"),
    "no_intermediate": tls("no-intermediate"),
    "for_clients": tls("for-clients"),
    "old_tls": tls("good", top=ssl.TLSVersion.TLSv1_1),
    "tls12": tls("good", top=ssl.TLSVersion.TLSv1_2),
    "no_alpn": tls("good", alpn=False),
    "other_alpn": tls("good", alpn="h2"),
}


def serve_one(serve, client):
    try:
        serve(client)
    except (OSError, ssl.SSLError):
        pass
    finally:
        client.close()


def accept(listener, serve):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve_one, args=(serve, client), daemon=True).start()


if __name__ == "__main__":
    CERTS, ports = sys.argv[1:]
    warnings.simplefilter("ignore", DeprecationWarning)  # old TLS is the point
    lines = []
    for name, serve in PEERS.items():
        listener = socket.create_server(("127.0.0.1", 0))
        lines.append(f"{name}={listener.getsockname()[1]}\n")
        threading.Thread(target=accept, args=(listener, serve), daemon=True).start()
    with open(ports + ".new", "w", encoding="ascii") as out:
        out.writelines(lines)
    os.rename(ports + ".new", ports)
    while True:
        time.sleep(3600)
