# SPDX-License-Identifier: Apache-2.0
"""A manual page has an entry for every word that a program knows, and mandoc reads it.
usage: pages.py PAGE OPTIONS-PROGRAM|- COMMANDS-PROGRAM|-
OPTIONS-PROGRAM prints option names; COMMANDS-PROGRAM --help lists commands, indented by two blanks."""
import re
import shutil
import subprocess
import sys

import tree


def lines_of(*command):
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def options(program):
    return [] if program == '-' else lines_of(program)


def commands(program):
    if program == '-':
        return []
    found = [re.match(r'  ([a-z][a-z-]*)(?: |$)', line) for line in lines_of(program, '--help')]
    return sorted({match.group(1) for match in found if match})


def entries(page):
    """The words on the lines that start an entry or a section."""
    words = set()
    for line in tree.text(page).replace('\\-', '-').splitlines():
        if re.match(r'\.(It|Ss|Sh)\b', line):
            words |= {word.lstrip('-') for word in re.findall(r'[\w.-]+', line)}
    return words


def lint(page):
    """Our pages start with examples, and name pages that are installed beside them."""
    accepted = re.compile('referenced manual not found|out of conventional order')
    if not shutil.which('mandoc'):
        return []
    run = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', str(tree.ROOT / page)],
                         capture_output=True, text=True)
    return [line for line in run.stdout.splitlines() if not accepted.search(line)]


page, options_program, commands_program = sys.argv[1:4]
known = options(options_program) + commands(commands_program)
if not known:
    tree.finish(['the programs name no options and no commands'], '')
described = entries(page)
problems = [f'{page}: nothing about \'{word}\'' for word in known if word not in described]
tree.finish(problems + lint(page), f'{page}: {len(known)} options and commands')
