# SPDX-License-Identifier: Apache-2.0
"""What pkcs11-python.sh runs: PyKCS11 against tokens of zca.

usage: pkcs11_python.py cases | CASE MODULE SCRATCH PIN EC-IDENTITY RSA-IDENTITY
"""
import hashlib
import os
import subprocess
import sys
import tempfile

import PyKCS11
from PyKCS11 import LowLevel as low

P256 = (0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07)
TEXT = b"what is signed"


class Bench:
    def __init__(self, module, scratch, pin, ec, rsa):
        self.lib = PyKCS11.PyKCS11Lib()
        self.lib.load(module)
        self.scratch, self.pin, self.ec, self.rsa = scratch, pin, ec, rsa

    def slot(self, label):
        for slot in self.lib.getSlotList(tokenPresent=True):
            if self.lib.getTokenInfo(slot).label.strip("\0 ") == label:
                return slot
        raise AssertionError(f"no token {label}")

    def session(self, label, pin=None):
        session = self.lib.openSession(self.slot(label), low.CKF_SERIAL_SESSION | low.CKF_RW_SESSION)
        if pin:
            session.login(pin)
        return session


def one(session, *template):
    found = session.findObjects(list(template))
    assert len(found) == 1, found
    return found[0]


def der_integer(value):
    value = value.lstrip(b"\0") or b"\0"
    value = b"\0" + value if value[0] & 0x80 else value
    return bytes([2, len(value)]) + value


def verifies(certificate, signature, option, is_ecdsa):
    """openssl has the last word"""
    if is_ecdsa:
        half = len(signature) // 2
        body = der_integer(signature[:half]) + der_integer(signature[half:])
        signature = bytes([0x30, len(body)]) + body
    with tempfile.TemporaryDirectory() as place:
        for name, content in (("cert", certificate), ("sig", signature), ("data", TEXT)):
            with open(os.path.join(place, name), "wb") as file:
                file.write(content)
        pub = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", "cert", "-noout", "-pubkey", "-out", "pub"],
                             cwd=place, check=True)
        assert pub.returncode == 0
        subprocess.run(["openssl", "dgst", "-sha256", "-verify", "pub", "-signature", "sig", *option, "data"],
                       cwd=place, check=True, stdout=subprocess.DEVNULL)


def identity_signs(bench, label, mechanism, option=(), is_ecdsa=False):
    session = bench.session(label)
    key = one(session, (low.CKA_CLASS, low.CKO_PRIVATE_KEY))
    certificate = one(session, (low.CKA_CLASS, low.CKO_CERTIFICATE), (low.CKA_LABEL, label))
    value, = session.getAttributeValue(certificate, [low.CKA_VALUE])
    ids = [bytes(session.getAttributeValue(o, [low.CKA_ID])[0]) for o in (key, certificate)]
    assert ids[0] == ids[1] and len(ids[0]) == 20, ids
    verifies(bytes(value), bytes(session.sign(key, TEXT, mechanism)), option, is_ecdsa)
    session.closeSession()


def info(bench):
    details = bench.lib.getInfo()
    assert details.cryptokiVersion[0] >= 2, details
    labels = [bench.lib.getTokenInfo(s).label.strip() for s in bench.lib.getSlotList(tokenPresent=True)]
    assert len(labels) == len(set(labels)) >= 5, labels
    serials = {bench.lib.getTokenInfo(s).serialNumber for s in bench.lib.getSlotList(tokenPresent=True)}
    assert len(serials) == len(labels), serials


def mechanisms(bench):
    of_identity = bench.lib.getMechanismList(bench.slot(bench.ec))
    for name in ("CKM_ECDSA", "CKM_ECDSA_SHA256", "CKM_RSA_PKCS", "CKM_SHA256_RSA_PKCS", "CKM_SHA256_RSA_PKCS_PSS"):
        assert name in of_identity, name
    of_authority = bench.lib.getMechanismList(bench.slot("default"))
    assert "CKM_ECDSA_SHA256" in of_authority and "CKM_ECDSA" not in of_authority, of_authority


def ecdsa(bench):
    digest = hashlib.sha256(TEXT).digest()
    session = bench.session(bench.ec)
    key = one(session, (low.CKA_CLASS, low.CKO_PRIVATE_KEY))
    public = one(session, (low.CKA_CLASS, low.CKO_PUBLIC_KEY))
    mechanism = PyKCS11.Mechanism(low.CKM_ECDSA, None)
    signature = session.sign(key, digest, mechanism)
    assert len(signature) == 64
    assert session.verify(public, digest, signature, mechanism)
    signature[0] ^= 1
    assert not session.verify(public, digest, signature, mechanism)
    identity_signs(bench, bench.ec, PyKCS11.Mechanism(low.CKM_ECDSA_SHA256, None), is_ecdsa=True)


def rsa(bench):
    identity_signs(bench, bench.rsa, PyKCS11.Mechanism(low.CKM_SHA256_RSA_PKCS, None))


def pss(bench):
    identity_signs(bench, bench.rsa,
                   PyKCS11.RSA_PSS_Mechanism(low.CKM_SHA256_RSA_PKCS_PSS, low.CKM_SHA256, low.CKG_MGF1_SHA256, 32),
                   ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"))


def generate(bench):
    session = bench.session(bench.scratch, bench.pin)
    public, private = session.generateKeyPair(
        [(low.CKA_EC_PARAMS, P256), (low.CKA_LABEL, "py"), (low.CKA_ID, (7,)), (low.CKA_TOKEN, True), (low.CKA_VERIFY, True)],
        [(low.CKA_LABEL, "py"), (low.CKA_ID, (7,)), (low.CKA_TOKEN, True), (low.CKA_SIGN, True)],
        mecha=PyKCS11.MechanismECGENERATEKEYPAIR)
    mechanism = PyKCS11.Mechanism(low.CKM_ECDSA_SHA256, None)
    assert session.verify(public, TEXT, session.sign(private, TEXT, mechanism), mechanism)
    local, sensitive, extractable = session.getAttributeValue(
        private, [low.CKA_LOCAL, low.CKA_ALWAYS_SENSITIVE, low.CKA_EXTRACTABLE])
    assert local and sensitive and not extractable
    value, = session.getAttributeValue(private, [low.CKA_VALUE])
    assert value is None
    session.logout()
    assert session.findObjects([(low.CKA_CLASS, low.CKO_PRIVATE_KEY), (low.CKA_LABEL, "py")]) == []
    session.login(bench.pin)
    session.setAttributeValue(one(session, (low.CKA_CLASS, low.CKO_PRIVATE_KEY), (low.CKA_ID, (7,))), [(low.CKA_LABEL, "renamed")])
    session.destroyObject(one(session, (low.CKA_CLASS, low.CKO_PRIVATE_KEY), (low.CKA_LABEL, "renamed")))
    session.destroyObject(one(session, (low.CKA_CLASS, low.CKO_PUBLIC_KEY), (low.CKA_LABEL, "py")))
    assert session.findObjects([(low.CKA_ID, (7,))]) == []


def encrypt(bench):
    session = bench.session(bench.scratch, bench.pin)
    public, private = session.generateKeyPair(
        [(low.CKA_MODULUS_BITS, 2048), (low.CKA_PUBLIC_EXPONENT, (1, 0, 1)), (low.CKA_ENCRYPT, True), (low.CKA_TOKEN, False)],
        [(low.CKA_DECRYPT, True), (low.CKA_TOKEN, False)])
    oaep = PyKCS11.RSAOAEPMechanism(low.CKM_SHA256, low.CKG_MGF1_SHA256, b"label")
    for mechanism in (PyKCS11.Mechanism(low.CKM_RSA_PKCS, None), oaep):
        assert bytes(session.decrypt(private, session.encrypt(public, TEXT, mechanism), mechanism)) == TEXT


def digests(bench):
    session = bench.session(bench.scratch)
    for mechanism, name in ((low.CKM_SHA256, "sha256"), (low.CKM_SHA384, "sha384"), (low.CKM_SHA512, "sha512")):
        got = bytes(session.digest(TEXT, PyKCS11.Mechanism(mechanism, None)))
        assert got == hashlib.new(name, TEXT).digest(), name


def random(bench):
    session = bench.session(bench.scratch)
    got = {bytes(session.generateRandom(32)) for _ in range(100)}
    assert len(got) == 100


def fork(bench):
    """a child begins again, and both go on"""
    mechanism = PyKCS11.Mechanism(low.CKM_ECDSA, None)
    digest = hashlib.sha256(TEXT).digest()
    session = bench.session(bench.ec)
    key = one(session, (low.CKA_CLASS, low.CKO_PRIVATE_KEY))
    public = one(session, (low.CKA_CLASS, low.CKO_PUBLIC_KEY))
    session.sign(key, digest, mechanism)
    pid = os.fork()
    if pid == 0:
        again = PyKCS11.PyKCS11Lib()
        again.load(sys.argv[2])
        bench.lib = again
        mine = bench.session(bench.ec)
        signature = mine.sign(one(mine, (low.CKA_CLASS, low.CKO_PRIVATE_KEY)), digest, mechanism)
        os._exit(0 if len(signature) == 64 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert session.verify(public, digest, session.sign(key, digest, mechanism), mechanism)


CASES = (info, mechanisms, ecdsa, rsa, pss, generate, encrypt, digests, random, fork)


def main():
    if sys.argv[1:] == ["cases"]:
        print("\n".join(case.__name__ for case in CASES))
        return
    by_name = {case.__name__: case for case in CASES}
    by_name[sys.argv[1]](Bench(*sys.argv[2:]))


main()
