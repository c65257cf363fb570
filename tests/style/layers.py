# SPDX-License-Identifier: Apache-2.0
"""Includes go down the layers only, and every foreign world has one home."""
import re

import tree

# folder: what it may include besides itself
BELOW = {
    'base': (),
    'remote': ('base',),
    'core': ('base', 'remote'),
    'provider': ('base', 'core'),
    'pkcs11-module': ('base', 'core'),
    'tool': ('base', 'core'),
    'server': ('base',),
}

# what stands in the code: the only places, files or folders
HOMES = {
    r'#\s*include\s+<curl/': 'remote/http.c',
    r'#\s*include\s+<jansson': 'base/json.c',
    r'#\s*include\s+<sqlite3': 'server/ledger_sqlite.c',
    r'#\s*include\s+<p11-kit/': 'pkcs11-module/',
    r'\bOSSL_DISPATCH\b': ('provider/', 'core/crypto.c', 'core/crypto.h', 'base/view.c'),
    r'\bCK_[A-Z]\w+\b': 'pkcs11-module/',
}


def is_home(path, home):
    if isinstance(home, tuple):
        return any(is_home(path, one) for one in home)
    return str(path).startswith(home) if home.endswith('/') else str(path) == home


def check_includes(path):
    folder = path.parts[0]
    for number, name in tree.includes(path):
        if name[0] == '<':
            continue
        target = name[1:-1]
        first = target.split('/')[0]
        if not (tree.ROOT / target).is_file() and '/' not in target:
            yield f'{path}:{number}: {name} is not written from the root'
        elif first in tree.LAYERS and first != folder and first not in BELOW[folder]:
            yield f'{path}:{number}: {folder} may not include {name}'
        elif first == 'tests':
            yield f'{path}:{number}: {folder} may not include {name}'


problems = []
checked = tree.files('.c', '.h', folders=tree.LAYERS)
for path in checked:
    problems += check_includes(path)
    lines = tree.code(path).splitlines()
    for pattern, home in HOMES.items():
        if not is_home(path, home):
            problems += [f'{path}:{number}: belongs into {home}: {line.strip()}'
                         for number, line in enumerate(lines, 1) if re.search(pattern, line)]
tree.finish(problems, f'{len(checked)} files keep to their layers')
