# SPDX-License-Identifier: Apache-2.0
"""What pkcs11-children.sh runs: a process that has requested a certificate forks; its child requests one of its own, signs with the
parent's session and ends as programs end; then the parent requests another one.

usage: pkcs11_children.py MODULE BEFORE CHILD AFTER     names of identities; prints the number of the child
"""
import os
import sys

import PyKCS11
from PyKCS11 import LowLevel as low


def open_token(lib, label):
    for slot in lib.getSlotList(tokenPresent=True):
        if lib.getTokenInfo(slot).label.strip("\0 ") == label:
            return lib.openSession(slot, low.CKF_SERIAL_SESSION)
    raise AssertionError(f"no token {label}")


def request(lib, label):
    session = open_token(lib, label)
    found = session.findObjects([(low.CKA_CLASS, low.CKO_CERTIFICATE), (low.CKA_LABEL, label)])
    assert len(found) == 1, (label, found)
    return session


def sign(session):
    key, = session.findObjects([(low.CKA_CLASS, low.CKO_PRIVATE_KEY)])
    mechanism = PyKCS11.Mechanism(low.CKM_ECDSA_SHA256, None)
    signature = bytes(session.sign(key, b"what is signed", mechanism))
    assert len(signature) == 64, signature
    return signature


def main():
    module, before, of_child, after = sys.argv[1:]
    lib = PyKCS11.PyKCS11Lib()
    lib.load(module)
    session = request(lib, before)
    child = os.fork()
    if child == 0:
        sign(session)
        request(lib, of_child)
        return
    assert os.waitpid(child, 0)[1] == 0
    request(lib, after)
    sign(session)
    print(child)


main()
