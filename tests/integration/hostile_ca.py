#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An authority that misbehaves on request, to see what a client makes of it.

usage: hostile_ca.py DIRECTORY

DIRECTORY holds ca.pem, ca.key, other-ca.pem, other-ca.key, tls.pem, tls.key. The file `behaviour` in it
names what the next answers do; every request is appended to `requests`. The port goes to `port`.
"""
import http.server
import json
import os
import ssl
import subprocess
import sys
import time

DIRECTORY = sys.argv[1]


def path(name):
    return os.path.join(DIRECTORY, name)


def read(name):
    with open(path(name), encoding="ascii") as file:
        return file.read()


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=20)


CA_CONFIG = """[ca]
default_ca = past
[past]
database = {0}/index
rand_serial = yes
new_certs_dir = {0}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


def expired_certificate(csr, extensions):
    """Signs `csr` for a month that is long over."""
    for name, text in (("in.csr", csr), ("ext.cnf", extensions), ("ca.cnf", CA_CONFIG.format(DIRECTORY)), ("index", "")):
        with open(path(name), "w", encoding="ascii") as file:
            file.write(text)
    openssl("ca", "-batch", "-notext", "-config", path("ca.cnf"), "-in", path("in.csr"), "-cert", path("ca.pem"), "-keyfile",
            path("ca.key"), "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extfile", path("ext.cnf"),
            "-out", path("out.pem"))
    return read("out.pem")


def certificate(csr, key="", extensions="", days="1", ca="ca"):
    """Signs `csr` for the key in it (or in `key`) and returns PEM."""
    with open(path("in.csr"), "w", encoding="ascii") as file:
        file.write(csr)
    with open(path("ext.cnf"), "w", encoding="ascii") as file:
        file.write(extensions)
    command = ["x509", "-req", "-in", path("in.csr"), "-CA", path(ca + ".pem"), "-CAkey", path(ca + ".key"),
               "-set_serial", str(int(time.time() * 1000)), "-days", days, "-out", path("out.pem"), "-extfile", path("ext.cnf")]
    if key:
        command += ["-force_pubkey", path(key)]
    openssl(*command)
    return read("out.pem")


LEAF = "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:{names}\n"

BEHAVIOURS = {
    "good": lambda csr, names: certificate(csr, extensions=LEAF.format(names=names)),
    "other-key": lambda csr, names: certificate(csr, key=path("other.pub"), extensions=LEAF.format(names=names)),
    "other-names": lambda csr, names: certificate(csr, extensions=LEAF.format(names="bank.example")),
    "more-names": lambda csr, names: certificate(csr, extensions=LEAF.format(names=names + ",DNS:bank.example")),
    "ca-true": lambda csr, names: certificate(
        csr, extensions="basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:" + names + "\n"),
    "expired": lambda csr, names: expired_certificate(csr, LEAF.format(names=names)),
    "other-issuer": lambda csr, names: certificate(csr, extensions=LEAF.format(names=names), ca="other-ca"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body, content_type="application/json", length=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        behaviour = read("behaviour").strip()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(path("requests"), "a", encoding="ascii") as file:
            file.write(self.path + " " + str(body.get("action")) + "\n")
        data = self.data(behaviour, body)
        if data is not None:
            self.answer(200, json.dumps({"success": True, "data": data, "error": None}).encode())

    def data(self, behaviour, body):
        if body.get("action") == "get_ca":
            return {"ca_certificate": read("ca.pem"), "fingerprint": "", "expires_at": "2036-01-01T00:00:00.000Z"}
        if behaviour in BEHAVIOURS:
            names = ",DNS:".join(body.get("dns_names") or [body["subject_cn"]])
            return {"certificate": BEHAVIOURS[behaviour](body["csr"], names), "serial_number": "0" * 32,
                    "fingerprint": "", "expires_at": "2036-01-01T00:00:00.000Z", "ttl_hours": 24}
        getattr(self, "do_" + behaviour.replace("-", "_"))()
        return None

    def do_html(self):
        self.answer(200, b"<html><body>Welcome</body></html>", "text/html")

    def do_html_502(self):
        self.answer(502, b"<html><body>Bad Gateway</body></html>", "text/html")

    def do_cut(self):
        self.answer(200, b'{"success":true,"data":{"certifi', length=4000)
        self.close_connection = True

    def do_huge(self):
        self.answer(200, b'{"success":true,"data":{"certificate":"' + b"A" * (64 << 20) + b'"}}')

    def do_empty(self):
        self.answer(200, b"")

    def do_silent(self):
        time.sleep(120)

    def do_refuse(self):
        error = {"success": False, "data": None,
                 "error": {"code": "MACHINE_QUARANTINED", "message": "Cannot issue certificate to a quarantined machine"}}
        self.answer(403, json.dumps(error).encode())


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("tls.pem"), path("tls.key"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(path("port.new"), "w", encoding="ascii") as file:
        file.write(str(server.server_address[1]))
    os.rename(path("port.new"), path("port"))
    server.serve_forever()


main()
