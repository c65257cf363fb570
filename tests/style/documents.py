# SPDX-License-Identifier: Apache-2.0
"""Every dialect has its page, every exported symbol is explained in docs/, every reason is listed in zca(1), and what a recipe
exports was enrolled before."""
import re

import tree

SYMBOLS = {
    'provider': 'OSSL_provider_init',
    'pkcs11-module': 'C_GetFunctionList',
    'remote': 'zca_remote_table',
}

problems = []
documents = tree.files('.md', '.1', '.5', '.7', '.8', folders=('docs',))
everything = '\n'.join(tree.text(path) for path in documents)
for folder, symbol in SYMBOLS.items():
    if tree.files('.c', folders=(folder,)) and symbol not in everything:
        problems.append(f'docs/ says nothing about {symbol}')

table = tree.text('remote/dialect.c')
for path in tree.files('.h', folders=('remote/dialects',)):
    name = path.stem
    if f'zca_dialect_{name},' in table and not (tree.ROOT / f'docs/dialects/{name}.md').is_file():
        problems.append(f'docs/dialects/{name}.md is missing')

listed = tree.text('docs/man/zca.1')
for name, text in re.findall(r'\[ZCA_ERR_\w+\] = \{"(\w+)",\s*"([^"]+)"', tree.text('base/error.c')):
    if name != 'NONE' and f'.It Dv {name} Ta {text}\n' not in listed:
        problems.append(f'docs/man/zca.1 does not list {name}: {text}')

for path in tree.files('.md', folders=('docs/recipes',)):
    lines = tree.text(path).splitlines()
    for number, line in enumerate(lines):
        name = re.match(r'zca export (\S+)', line)
        before = '\n'.join(lines[:number])
        if name and f'zca cert {name[1]}' not in before and f'zca renew {name[1]}' not in before:
            problems.append(f'{path}:{number + 1}: nothing before enrols {name[1]}')
tree.finish(problems, f'{len(documents)} documents')
