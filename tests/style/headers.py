# SPDX-License-Identifier: Apache-2.0
"""Headers compile alone with the project's flags, have their guard, and come first in their .c.
usage: headers.py BUILD-DIRECTORY"""
import concurrent.futures
import json
import pathlib
import re
import shlex
import subprocess
import sys

import tree

DROPPED_WITH_ARGUMENT = ('-o', '-MF', '-MQ', '-MT', '-c')
DROPPED = ('-MD', '-MMD')


def project_flags(build, folder):
    """The command that compiles a file of the folder (base/error.c where none is built), without its input and output."""
    commands = json.loads((build / 'compile_commands.json').read_text())
    own = [c for c in commands if pathlib.Path(c['file']).parent.name == folder]
    command = (own + [c for c in commands if c['file'].endswith('base/error.c')])[0]
    flags = []
    words = iter(shlex.split(command['command']))
    for word in words:
        if word in DROPPED_WITH_ARGUMENT:
            next(words)
        elif word not in DROPPED:
            flags.append(word)
    while not flags[0].endswith(('cc', 'gcc', 'clang', 'clang-14')):
        flags.pop(0)  # ccache
    return flags


def compile_alone(flags, build, path):
    """Included from an empty file: in a main file clang counts unused inline functions."""
    run = subprocess.run([*flags, '-Werror', '-fsyntax-only', '-x', 'c', '-'], cwd=build,
                         input=f'#include "{path}"\n', capture_output=True, text=True)
    return [f'{path} does not compile alone:\n{run.stderr}'] if run.returncode != 0 else []


def check_guard(path):
    guard = 'ZCA_' + re.sub(r'\W', '_', str(path)).upper()
    if not re.search(rf'^#ifndef {guard}\n#define {guard}$', tree.text(path), re.M):
        yield f'{path}: the guard is not {guard}'


def check_own_header_first(path):
    own = f'"{path.with_suffix(".h")}"'
    names = [name for _, name in tree.includes(path)]
    if own in names and names[0] != own:
        yield f'{path}: {own} is not included first'


build = pathlib.Path(sys.argv[1])
headers = tree.files('.h')
problems = []
for path in tree.files('.c', '.h'):
    if not tree.text(path).startswith('/* SPDX-License-Identifier: Apache-2.0 */\n'):
        problems.append(f'{path}: the first line is not the licence')
for path in headers:
    problems += check_guard(path)
for path in tree.files('.c'):
    problems += check_own_header_first(path)
flags = {path.parent.name: project_flags(build, path.parent.name) for path in headers}
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for found in pool.map(lambda path: compile_alone(flags[path.parent.name], build, path), headers):
        problems += found
tree.finish(problems, f'{len(headers)} headers compile alone')
