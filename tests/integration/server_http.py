#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Talks to a running zca-server byte by byte: what a strict HTTP/1.1 server must refuse, when it must
hang up, and that good clients are served meanwhile.

usage: server_http.py CASE PORT TRUST-FILE [PID]     CASE: a name in CASES below
Prints one line a check; exit status 1 when one failed.
"""
import json
import os
import re
import signal
import socket
import ssl
import sys
import time

HOST = b"Host: localhost\r\n"
GET = b"GET /api/health HTTP/1.1\r\n"
GOOD = GET + HOST + b"\r\n"
POST = b"POST /api/health HTTP/1.1\r\n" + HOST

# Every request leads to GET /api/health, which answers 200 to anybody: a 200 means that a handler ran.
MALFORMED = {
    "content length twice": GET + HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "content lengths differ": GET + HOST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
    "content length with plus": GET + HOST + b"Content-Length: +5\r\n\r\nhello",
    "content length list": GET + HOST + b"Content-Length: 5, 5\r\n\r\nhello",
    "content length negative": GET + HOST + b"Content-Length: -1\r\n\r\n",
    "content length 2^64": GET + HOST + b"Content-Length: 18446744073709551616\r\n\r\n",
    "content length over limit": GET + HOST + b"Content-Length: 65537\r\n\r\n" + b"x" * 65537,
    "length and chunked": GET + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked": GET + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk of 2^64": GET + HOST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nx\r\n0\r\n\r\n",
    "space before colon": GET + HOST + b"Content-Length : 0\r\n\r\n",
    "header without colon": GET + HOST + b"Nonsense\r\n\r\n",
    "NUL in header": GET + HOST + b"X-A: a\0b\r\n\r\n",
    "control byte in header": GET + HOST + b"X-A: a\x08b\r\n\r\n",
    "two hosts": GET + HOST + b"Host: other\r\n\r\n",
    "no host": GET + b"\r\n",
    "100 KB header": GET + HOST + b"X-A: " + b"a" * 102400 + b"\r\n\r\n",
    "100 KB request line": b"GET /" + b"a" * 102400 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "200 headers": GET + HOST + b"X-A: a\r\n" * 200 + b"\r\n",
    "bare CR": GET + HOST + b"X-A: a\rContent-Length: 3\r\n\r\n",
    "bare LF": b"GET /api/health HTTP/1.1\nHost: localhost\n\n",
    "folded header": GET + HOST + b"X-A: a\r\n b\r\n\r\n",
    "control byte in method": b"G\x01ET /api/health HTTP/1.1\r\n" + HOST + b"\r\n",
    "lower-case version": b"GET /api/health http/1.1\r\n" + HOST + b"\r\n",
    "version 1.9": b"GET /api/health HTTP/1.9\r\n" + HOST + b"\r\n",
    "version 2.0": b"GET /api/health HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /api/health\r\n\r\n",
    "absolute form": b"GET http://other/api/health HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab in request line": b"GET\t/api/health HTTP/1.1\r\n" + HOST + b"\r\n",
    "double space in request line": b"GET  /api/health HTTP/1.1\r\n" + HOST + b"\r\n",
    "leading empty lines": b"\r\n\r\n" + GOOD,
    "encoded slash": b"GET /api%2fhealth HTTP/1.1\r\n" + HOST + b"\r\n",
    "encoded NUL": b"GET /api/health%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "other method": b"DELETE /api/health HTTP/1.1\r\n" + HOST + b"\r\n",
    "random bytes": bytes(range(256)) * 4 + b"\r\n\r\n",
}

failures = 0


def check(good, what):
    global failures
    print(("ok    " if good else "FAIL  ") + what, flush=True)
    failures += 0 if good else 1


def context(trust):
    made = ssl.create_default_context(cafile=trust)
    made.suppress_ragged_eofs = True
    return made


def connect(port, tls, timeout=10.0):
    plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    return tls.wrap_socket(plain, server_hostname="localhost")


def read_all(stream, limit_s=10.0):
    """What arrives until the peer closes; and whether it did."""
    data = b""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        stream.settimeout(max(0.05, end - time.monotonic()))
        try:
            part = stream.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            break
        except OSError:
            return data, True
        if not part:
            return data, True
        data += part
    return data, False


def read_answer(stream):
    """One answer with a Content-Length; (status, head, body), status 0 when there is none."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            part = stream.recv(4096)
            if not part:
                return 0, data, b""
            data += part
        head, body = data.split(b"\r\n\r\n", 1)
        length = int([line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")][0][15:])
        while len(body) < length:
            body += stream.recv(4096)
    except OSError:
        return 0, data, b""
    return int(head.split(b" ")[1]), head, body


def served(port, tls):
    with connect(port, tls) as stream:
        stream.sendall(GOOD)
        return read_answer(stream)[0] == 200


def malformed(port, tls):
    """Refused with 4xx or 5xx or a closed connection; a good request behind it is not answered either."""
    for name, request in MALFORMED.items():
        data, closed = b"", False
        with connect(port, tls) as stream:
            try:
                stream.sendall(request + (b"" if name == "other method" else GOOD))
            except OSError:
                closed = True
            if name == "other method":
                data, closed = bytes(str(read_answer(stream)[0]), "ascii"), True
            else:
                data, closed = read_all(stream)
        refused = data == b"" or data[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5") or data == b"405"
        one = len(re.findall(rb"HTTP/1\.1 \d{3} ", data)) <= 1
        check(closed and refused and one and b" 200 OK" not in data,
              f"malformed: {name}: {data[:24]!r}{'' if closed else ' not closed'}")
    check(served(port, tls), "malformed: a good client is served afterwards")


def keep_alive(port, tls):
    with connect(port, tls) as stream:
        for i in range(5):
            stream.sendall(GOOD)
            status, head, _ = read_answer(stream)
            check(status == 200 and b"connection: keep-alive" in head.lower(), f"keep-alive: request {i}")
        stream.sendall(b"GET /api/health?secret-in-query HTTP/1.1\r\n" + HOST + b"\r\n")
        check(read_answer(stream)[0] == 200, "keep-alive: a query")
        for byte in GOOD:
            stream.sendall(bytes([byte]))
        check(read_answer(stream)[0] == 200, "keep-alive: a request in single bytes")
        stream.sendall(GOOD * 3)
        data = b""
        while data.count(b'"error":null}') < 3:
            part = stream.recv(4096)
            if not part:
                break
            data += part
        check(data.count(b" 200 OK") == 3, "keep-alive: three requests sent at once are answered in turn")
        stream.sendall(b"POST /api/health HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello" + GOOD)
        check(read_answer(stream)[0] == 405, "keep-alive: the body of a refused request is skipped")
        check(read_answer(stream)[0] == 200, "keep-alive: and the next request is answered")
        stream.sendall(b"POST /api/health HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        check(stream.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n", "keep-alive: 100 Continue")
        stream.sendall(b"hello")
        check(read_answer(stream)[0] == 405, "keep-alive: and the answer")
        stream.sendall(b"HEAD /api/health HTTP/1.1\r\n" + HOST + b"\r\n" + GET + HOST +
                       b"Connection: close\r\n\r\n")
        data, closed = read_all(stream)
        head, rest = data.split(b"\r\n\r\n", 1) if b"\r\n\r\n" in data else (data, b"")
        check(b" 405 " in head[:16] and rest.startswith(b"HTTP/1.1 200 OK"),
              "keep-alive: the answer to HEAD has no body")
        check(closed and b" 200 OK" in data, "keep-alive: Connection: close closes")
    with connect(port, tls) as stream:
        stream.sendall(b"GET /api/health HTTP/1.0\r\n\r\n")
        data, closed = read_all(stream)
        check(closed and b" 200 OK" in data, "keep-alive: HTTP/1.0 without Host is served and closed")
    session = None
    for i in range(2):
        plain = socket.create_connection(("127.0.0.1", port), timeout=5)
        with tls.wrap_socket(plain, server_hostname="localhost", session=session) as stream:
            stream.sendall(GOOD)
            read_answer(stream)
            session = stream.session
            check(i == 0 or stream.session_reused, f"keep-alive: TLS session {'resumed' if i else 'made'}")


def trickle(stream, start, byte):
    """Sends a byte every 0.2 s until the server hangs up; returns the seconds and what it said."""
    began = time.monotonic()
    stream.sendall(start)
    stream.settimeout(0.2)
    data = b""
    while time.monotonic() - began < 15:
        try:
            part = stream.recv(4096)
            if not part:
                break
            data += part
        except (TimeoutError, ssl.SSLWantReadError):
            try:
                stream.sendall(byte)
            except OSError:
                break
        except OSError:
            break
    return time.monotonic() - began, data


def deadlines(port, tls):
    """The server runs with --header-timeout 2s --body-timeout 2s --idle-timeout 3s."""
    def within(seconds, expected):
        return expected - 0.5 <= seconds <= expected + 6

    with connect(port, tls) as stream:
        seconds, data = trickle(stream, GET + b"X-A: ", b"a")
        check(within(seconds, 2) and b" 408 " in data[:16], f"deadline: slow head is cut after {seconds:.1f} s")
    with connect(port, tls) as stream:
        seconds, data = trickle(stream, POST + b"Content-Length: 60000\r\n\r\n", b"a")
        check(within(seconds, 2) and b" 408 " in data[:16], f"deadline: slow body is cut after {seconds:.1f} s")
    with connect(port, tls) as stream:
        began = time.monotonic()
        data, closed = read_all(stream)
        seconds = time.monotonic() - began
        check(closed and not data and within(seconds, 2), f"deadline: silence is cut after {seconds:.1f} s")
    with connect(port, tls) as stream:
        stream.sendall(GOOD)
        read_answer(stream)
        began = time.monotonic()
        data, closed = read_all(stream)
        seconds = time.monotonic() - began
        check(closed and not data and within(seconds, 3), f"deadline: idle connection is cut after {seconds:.1f} s")
    with socket.create_connection(("127.0.0.1", port)) as plain:
        seconds, data = trickle(plain, b"\x16\x03\x01\x02\x00\x01", b"\x00")
        check(within(seconds, 2), f"deadline: slow handshake is cut after {seconds:.1f} s")
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.sendall(GOOD)
        data, closed = read_all(plain)
        check(closed and b"HTTP" not in data, "deadline: HTTP without TLS gets no answer")


def crowd(port, tls):
    """1,000 connections that only wait, on a server with --max-connections 600."""
    silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(500)]
    quiet = [connect(port, tls) for _ in range(250)]
    slow = []
    for _ in range(250):
        stream = connect(port, tls)
        stream.sendall(GET + b"X-A: a")
        slow.append(stream)
    began = time.monotonic()
    good = sum(1 for _ in range(50) if served(port, tls))
    seconds = time.monotonic() - began
    check(good == 50, f"crowd: {good} of 50 new clients served in {seconds:.2f} s beside 1,000 waiting ones")
    with connect(port, tls) as stream:
        alive = 0
        for _ in range(200):
            stream.sendall(GOOD)
            alive += 1 if read_answer(stream)[0] == 200 else 0
        check(alive == 200, f"crowd: {alive} of 200 requests on one connection")
    for stream in silent + quiet + slow:
        stream.close()


def request(method, path, body=b"", *headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask(port, tls, *arguments):
    with connect(port, tls) as stream:
        stream.sendall(request(*arguments))
        return read_answer(stream)


def login_body(password):
    return json.dumps({"email": "admin@localhost", "password": password}).encode()


def doors(port, tls):
    """Who gets past the dispatcher, on a server just started for the first time."""
    with open(os.path.join(os.path.dirname(sys.argv[3]), "initial-password"), encoding="utf-8") as file:
        password = file.readline().strip()
    route = "/api/issue-certificate"
    status, head, body = ask(port, tls, "POST", route, b"{}")
    check(status == 401 and b"www-authenticate: bearer" in head.lower() and b'"UNAUTHORIZED"' in body,
          "doors: without credentials 401")
    for name, header in {
        "a token of nobody": "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.",
        "an empty token": "Authorization: Bearer ",
        "another scheme": "Authorization: Basic YTpi",
        "an API key of nobody": "X-Api-Key: qztna_" + "0" * 64,
    }.items():
        status, _, body = ask(port, tls, "POST", route, b"{}", header)
        check(status == 401 and b'"UNAUTHORIZED"' in body, f"doors: with {name} 401")
        status, _, _ = ask(port, tls, "GET", "/api/health", b"", header)
        check(status == 200, f"doors: with {name} an open route answers")
    status, _, body = ask(port, tls, "POST", "/api/auth/login", login_body(password))
    check(status == 200, "doors: the password of the first start logs in")
    token = "Authorization: Bearer " + json.loads(body)["data"]["token"]
    for name, text in {"no": b"", "broken": b"{", "an array, as": b"[]", "two": b"{}{}",
                       "deep": b"[" * 60000, "a lone surrogate in": b'{"a":"\\ud800"}',
                       "a repeated key in": b'{"a":1,"a":2}'}.items():
        status, _, body = ask(port, tls, "POST", route, text, token)
        check(status == 400 and b'"INVALID_JSON"' in body, f"doors: {name} JSON text is 400 INVALID_JSON")
    status, _, body = ask(port, tls, "POST", route, b'{"action":"conquer"}', token)
    check(status == 400, "doors: an unknown action is 400")
    status, head, _ = ask(port, tls, "GET", route, b"", token)
    check(status == 405 and b"allow: post" in head.lower(), "doors: another method is 405 with Allow")
    for i in range(9):
        status, _, _ = ask(port, tls, "POST", "/api/auth/login", login_body("x"))
        check(status == 401, f"doors: login {i + 2} of 10 is looked at")
    for _ in range(10):  # one more is allowed after each thirty seconds
        status, head, body = ask(port, tls, "POST", "/api/auth/login", login_body(password))
        if status != 200:
            break
    wait = re.search(rb"retry-after: (\d+)", head.lower())
    check(status == 429 and wait and 0 < int(wait[1]) <= 30 and b'"RATE_LIMITED"' in body and
          b"Too many requests. Retry after " + wait[1] + b"s." in body, "doors: login 11 is 429 with Retry-After")


def unread(port, streams):
    """How many bytes the server has not read yet from these connections (proc(5), /proc/net/tcp)."""
    peers = {f"0100007F:{stream.getsockname()[1]:04X}" for stream in streams}
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file]
    return sum(int(row[4].split(":")[1], 16) for row in rows
               if row[1] == f"0100007F:{port:04X}" and row[2] in peers)


def logins(port, tls, number):
    """Starts so many logins at once, each on its connection."""
    streams = [connect(port, tls, 30) for _ in range(number)]
    for i, stream in enumerate(streams):
        body = json.dumps({"email": f"nobody{i}@localhost", "password": "x"}).encode()
        stream.sendall(request("POST", "/api/auth/login", body))
    return streams


def overload(port, tls):
    """The server runs with --workers 1 --queue 8 --login-limit 0: two logins may wait."""
    answers, refused = [], []
    while not refused and len(answers) < 240:  # a slow client does not fill the queue each time
        answers += [read_answer(stream) for stream in logins(port, tls, 12)]
        refused = [head for status, head, _ in answers if status == 503]
    looked_at = [status for status, _, _ in answers if status == 401]
    check(len(refused) + len(looked_at) == len(answers), f"overload: {len(looked_at)} answers, {len(refused)} refusals")
    check(len(refused) >= 1 and all(b"retry-after: 1" in head.lower() for head in refused),
          "overload: refusals are 503 with Retry-After")
    check(len(looked_at) >= 2, "overload: what was queued is answered")
    check(served(port, tls), "overload: then all is well again")


def farewell(port, tls):
    """Requests that run when the server is told to stop, by the caller who has its pid, are answered."""
    idle = connect(port, tls)
    streams = logins(port, tls, 6)
    while unread(port, streams + [idle]) > 0:
        time.sleep(0.001)
    os.kill(int(sys.argv[4]), signal.SIGTERM)
    answers = [read_answer(stream) for stream in streams]
    check([status for status, _, _ in answers] == [401] * 6, "farewell: running requests are answered")
    check(b"connection: close" in answers[-1][1].lower(), "farewell: and closed")
    check(read_all(idle) == (b"", True), "farewell: idle connections are closed")
    try:
        connect(port, tls, 2).close()
        check(False, "farewell: no new connection")
    except OSError:
        check(True, "farewell: no new connection")


def certificate(port, tls):
    """Prints the serial number of the certificate, for the caller to compare."""
    with connect(port, tls) as stream:
        print(stream.getpeercert()["serialNumber"])


CASES = {
    "malformed": malformed,
    "keep-alive": keep_alive,
    "deadlines": deadlines,
    "crowd": crowd,
    "doors": doors,
    "overload": overload,
    "farewell": farewell,
    "certificate": certificate,
}

if __name__ == "__main__":
    CASES[sys.argv[1]](int(sys.argv[2]), context(sys.argv[3]))
    sys.exit(1 if failures else 0)
