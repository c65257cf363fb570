# SPDX-License-Identifier: Apache-2.0
"""clang-format 14 would change nothing."""
import shutil
import subprocess
import sys

import tree

program = shutil.which('clang-format-14')
if not program:
    print('clang-format-14 is not installed')
    sys.exit(tree.SKIPPED)

problems = []
names = [str(path) for path in tree.files('.c', '.h')]
for start in range(0, len(names), 40):
    run = subprocess.run([program, '--dry-run', '-Werror', '--ferror-limit=1', *names[start:start + 40]],
                         cwd=tree.ROOT, capture_output=True, text=True)
    if run.returncode != 0:
        problems += [line for line in run.stderr.splitlines() if 'error:' in line] or [run.stderr]
tree.finish(problems, f'{len(names)} files are formatted')
