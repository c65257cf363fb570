# SPDX-License-Identifier: Apache-2.0
"""The source tree as the checks see it: which files there are, and how a check reports."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LAYERS = ('base', 'remote', 'core', 'provider', 'pkcs11-module', 'tool', 'server')
FOLDERS = LAYERS + ('tests', 'docs', 'packaging', 'scripts', 'examples', '.ci')
SKIPPED = 77


def files(*suffixes, folders=FOLDERS):
    """Paths relative to the root, sorted; without suffixes all files."""
    found = []
    for folder in folders:
        for path in (ROOT / folder).rglob('*'):
            hidden = '__pycache__' in path.parts
            if path.is_file() and not hidden and (not suffixes or path.suffix in suffixes):
                found.append(path.relative_to(ROOT))
    return sorted(found)


def text(path):
    return (ROOT / path).read_text(encoding='utf-8', errors='replace')


def code(path):
    """The text with comments and literals blanked out, line numbers kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda match: re.sub(r'[^\n]', ' ', match.group()), text(path))


def includes(path):
    """(line, name) of every #include; name keeps its quotes or angle brackets."""
    found = []
    for number, line in enumerate(text(path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<][^">]+[">])', line)
        if match:
            found.append((number, match.group(1)))
    return found


def finish(problems, summary):
    """Prints what is wrong, or the summary; never returns."""
    for problem in problems:
        print(problem)
    print(f'{len(problems)} problem(s)' if problems else summary)
    sys.exit(1 if problems else 0)
