# SPDX-License-Identifier: Apache-2.0
"""pkcs11-provider with SoftHSM, where both are installed: the same keys in a token, and references to them.

PKCS11_PROVIDER names the module where it is not in OpenSSL's directory, and SOFTHSM2_MODULE the library of SoftHSM.
"""
import base64
import os
import pathlib
import shutil

LIBRARIES = ('/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so')
ALGORITHMS = ('p256', 'rsa2048')
PIN = '1234'


def first_file(*names):
    return next((name for name in names if name and pathlib.Path(name).is_file()), None)


def find(bed):
    """A Peer, or None when something is not installed."""
    directory = bed.run('openssl', 'version', '-m').split('"')[1]
    module = first_file(os.environ.get('PKCS11_PROVIDER'), f'{directory}/pkcs11.so')
    library = first_file(os.environ.get('SOFTHSM2_MODULE'), *LIBRARIES)
    return Peer(bed, module, library) if module and library and shutil.which('softhsm2-util') else None


def der(tag, content):
    """One element; long enough for a URI."""
    length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
    return bytes([tag]) + length + content


def reference(uri):
    """The PEM block that pkcs11-provider reads in place of a key: a sequence of VisibleString and UTF8String."""
    block = der(0x30, der(0x1a, b'PKCS#11 Provider URI v1.0') + der(0x0c, uri.encode()))
    return f'-----BEGIN PKCS#11 PROVIDER URI-----\n{base64.encodebytes(block).decode()}-----END PKCS#11 PROVIDER URI-----\n'


class Peer:
    def __init__(self, bed, module, library):
        tokens = bed.path('tokens')
        tokens.mkdir()
        bed.path('softhsm.conf').write_text(f'directories.tokendir = {tokens}\nlog.level = ERROR\n')
        bed.path('pkcs11.cnf').write_text(
            'openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = default_provider\n'
            f'pkcs11 = pkcs11_provider\n[default_provider]\nactivate = 1\n[pkcs11_provider]\nmodule = {module}\n'
            f'pkcs11-module-path = {library}\npkcs11-module-token-pin = {PIN}\npkcs11-module-quirks = no-deinit\nactivate = 1\n')
        self.environment = bed.with_configuration('pkcs11') | {'SOFTHSM2_CONF': str(bed.path('softhsm.conf'))}
        self.references = {}
        bed.run('softhsm2-util', '--init-token', '--free', '--label', 'bench', '--pin', PIN, '--so-pin', PIN,
                env=self.environment)
        for number, algorithm in enumerate(ALGORITHMS, 1):
            bed.run('softhsm2-util', '--import', bed.path(f'{algorithm}.key'), '--token', 'bench', '--label', algorithm, '--id',
                    f'0{number}', '--pin', PIN, env=self.environment)
            self.references[algorithm] = bed.path(f'{algorithm}.pkcs11')
            self.references[algorithm].write_text(reference(f'pkcs11:token=bench;object={algorithm};type=private'))
