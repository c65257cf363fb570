# SPDX-License-Identifier: Apache-2.0
"""Modules export what their loaders look for and link what they must.
usage: exports.py BUILD-DIRECTORY"""
import pathlib
import re
import subprocess
import sys

import tree

# module: exported symbols, then libraries it may need (None: any)
LEAN = r'libcrypto\.so\.3|libc\.so\.6|ld-linux.*'
MODULES = {
    'provider/zca.so': (r'OSSL_provider_init', LEAN),
    'provider/zca-core.so': (r'zca_cold_table', LEAN),
    'pkcs11-module/zca-pkcs11.so': (r'C_\w+', LEAN),
    'remote/zca-remote.so': (r'zca_remote_table', None),
}


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def check_module(path, name, exported, needed):
    symbols = [line.split()[0] for line in output('nm', '-D', '--defined-only', '-P', path).splitlines()]
    libraries = re.findall(r'\(NEEDED\).*\[(.*)\]', output('readelf', '-d', path))
    if not symbols:
        yield f'{name} exports nothing'
    for symbol in symbols:
        if not re.fullmatch(exported, symbol.split('@')[0]):
            yield f'{name} exports {symbol}'
    for library in libraries:
        if needed and not re.fullmatch(needed, library):
            yield f'{name} needs {library}'
    if 'NODELETE' not in output('readelf', '-d', path):
        yield f'{name} can be unloaded: link it with -z nodelete'
    if 'BIND_NOW' not in output('readelf', '-d', path) or 'GNU_RELRO' not in output('readelf', '-lW', path):
        yield f'{name} can be relocated later: link it with -z relro -z now'


def check_writable(path, name):
    """docs/decisions/0004: zca.so is read-only as a whole once it is relocated; counters of gcov may be in it."""
    sections = re.findall(r'\s(\.t?(?:data|bss))\s+\w+\s+\w+\s+\w+\s+0*[1-9a-f]', output('readelf', '-SW', path))
    if sections and 'gcov' not in output('nm', path):
        yield f'{name} has writable data: {", ".join(sections)}'


build = pathlib.Path(sys.argv[1])
built = [name for name in MODULES if (build / name).is_file()]
if not built:
    print('no module was built')
    sys.exit(tree.SKIPPED)
problems = []
for name in built:
    problems += check_module(build / name, name, *MODULES[name])
    if name == 'provider/zca.so':
        problems += check_writable(build / name, name)
tree.finish(problems, 'right: ' + ', '.join(built))
