# SPDX-License-Identifier: Apache-2.0
"""A manual page has an entry for every word that a program knows, and mandoc reads it.
usage: pages.py PAGE OPTIONS-PROGRAM|- COMMANDS-PROGRAM|-
OPTIONS-PROGRAM prints option names; COMMANDS-PROGRAM --help lists commands, indented by two blanks."""
import pathlib
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
    """The commands that --help lists, and the options that 'help COMMAND' lists where there is one.
    Plain words stand in front of arguments and of the help: 'org add|list' has three."""
    if program == '-':
        return []
    own_name = pathlib.Path(program).name
    words = set()
    for line in lines_of(program, '--help'):
        if not re.match(r'  [a-z]', line):
            continue
        head = re.split(r'[ |]', line.strip().split('  ')[0])
        plain = [word for word in head if re.fullmatch(r'[a-z][a-z-]*', word)]
        words |= set(plain)
        if head[0] == own_name:
            details = '\n'.join(lines_of(program, 'help', *plain[1:]))
            words |= set(re.findall(r'^  --([a-z-]+)', details, re.M))
    return sorted(words - {own_name})


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
