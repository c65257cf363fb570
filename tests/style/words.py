# SPDX-License-Identifier: Apache-2.0
"""Words that do not occur: functions nobody should call, jumps, notes to do something later."""
import re

import tree

IN_CODE = {
    r'\bgoto\b': 'release by attribute',
    r'\b(strcpy|strcat|sprintf|vsprintf|gets|stpcpy)\s*\(': 'has no limit',
    r'\b(atoi|atol|atoll|atof)\s*\(': 'cannot fail',
    r'\balloca\s*\(': 'has no limit',
    r'\b(sleep|usleep)\s*\(': 'waiting is the business of core/enrol.c',
    r'\bgetenv\s*\(': 'read the environment with secure_getenv',
}
ALLOWED = {
    r'\b(sleep|usleep)\s*\(': ('core/enrol.c', 'tests/'),
    r'\bgetenv\s*\(': ('tests/',),
}
# the words are put together here so that this file does not contain them
ANYWHERE = '|'.join(('TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'))


def numbered(text):
    return enumerate(text.splitlines(), 1)


def check_code(path):
    for pattern, why in IN_CODE.items():
        if str(path).startswith(ALLOWED.get(pattern, ())):
            continue
        for number, line in numbered(tree.code(path)):
            if re.search(pattern, line):
                yield f'{path}:{number}: {why}: {line.strip()}'


def check_conditionals(path):
    """#if lives in base/compat.h; a header's guard is an #ifndef."""
    for number, line in numbered(tree.code(path)):
        if re.match(r'\s*#\s*(if|ifdef|elif|else)\b', line) and str(path) != 'base/compat.h':
            yield f'{path}:{number}: belongs into base/compat.h: {line.strip()}'


problems = []
sources = tree.files('.c', '.h')
for path in sources:
    problems += check_code(path)
    if path.parts[0] != 'tests':
        problems += check_conditionals(path)
for path in tree.files():
    for number, line in numbered(tree.text(path)):
        if re.search(rf'\b({ANYWHERE})\b', line):
            problems.append(f'{path}:{number}: do it or drop it: {line.strip()}')
tree.finish(problems, f'{len(sources)} files have none of the words')
