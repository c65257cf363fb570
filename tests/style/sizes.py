# SPDX-License-Identifier: Apache-2.0
"""Files have at most 500 lines, functions at most 60; says where the middle is."""
import shutil
import statistics
import subprocess
import sys

import tree

MAX_FILE = 500
MAX_FUNCTION = 60

program = shutil.which('ctags')
if not program:
    print('universal-ctags is not installed')
    sys.exit(tree.SKIPPED)

names = [str(path) for path in tree.files('.c', '.h')]
problems = []
file_sizes = []
for name in names:
    size = len(tree.text(name).splitlines())
    file_sizes.append(size)
    if size > MAX_FILE:
        problems.append(f'{name}: {size} lines')

tags = subprocess.run([program, '-L', '-', '--language-force=C', '--kinds-C=f', '--fields=+ne', '-x',
                       '--_xformat=%F\t%N\t%n\t%{end}'],
                      cwd=tree.ROOT, input='\n'.join(names), capture_output=True, text=True, check=True)
function_sizes = []
for tag in tags.stdout.splitlines():
    name, function, first, last = tag.split('\t')
    if not last.isdigit():
        continue  # the tag is of a macro that only looks like a function
    size = int(last) - int(first) + 1
    function_sizes.append(size)
    if size > MAX_FUNCTION and function != 'main':
        problems.append(f'{name}:{first}: {function} has {size} lines')
if not function_sizes:
    problems.append('no function found: is this ctags universal-ctags?')
    function_sizes = [0]

tree.finish(problems, f'{len(names)} files, median {statistics.median(file_sizes):.0f} lines; '
            f'{len(function_sizes)} functions, median {statistics.median(function_sizes):.0f} lines')
