# SPDX-License-Identifier: Apache-2.0
"""shellcheck has nothing to say about any shell script."""
import re
import shutil
import subprocess
import sys

import tree


def is_shell(path):
    first = tree.text(path).split('\n', 1)[0]
    return path.suffix == '.sh' or re.match(r'#!\s*/\S*\b(env )?(ba|da)?sh\b', first)


if not shutil.which('shellcheck'):
    print('shellcheck is not installed')
    sys.exit(tree.SKIPPED)
scripts = [str(path) for path in tree.files() if is_shell(path)]
# SC2317 takes functions that only a trap calls for unreachable
run = subprocess.run(['shellcheck', '--external-sources', '--exclude=SC2317', '--format=gcc', *scripts],
                     cwd=tree.ROOT, capture_output=True, text=True)
tree.finish(run.stdout.splitlines() + run.stderr.splitlines(), f'{len(scripts)} scripts are clean')
