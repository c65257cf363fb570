# SPDX-License-Identifier: Apache-2.0
"""Costs inside one process (programs sign and load) and of whole processes (openssl commands, nginx -t)."""
import json
import statistics

import bed as beds
import figures

FEWEST_RUNS = 100


def measure_sign(bed, json_file, is_long):
    report = figures.Report('Signing', 'A new context, init and one shot, as TLS does it: one thread by its CPU time, two by '
                            'wall time; and a context used again. Ratio: default to zca, above 1 zca is faster.', json_file)
    cases = figures.group(bed.run(bed.programs / 'sign', 81 if is_long else 25).splitlines())
    for case, costs in cases.items():
        bound = None if case.endswith('reused') else 1.00 if case.startswith('P-256') else 0.99
        report.add(case, costs, 'zca', faster_is_more=True, goal=bound, generous=0.85 if '2 threads' in case else 0.93)
    return report


def measure_load(bed, json_file, is_long):
    report = figures.Report('Loading', 'In process, again and again, by CPU time. Ratio: zca to PEM file.', json_file)
    cases = figures.group(bed.run(bed.programs / 'load', bed.directory, 61 if is_long else 21).splitlines())
    for case, costs in cases.items():
        for variant in list(costs)[2:]:
            report.add(f'{case}: {variant}', costs, variant, faster_is_more=False)
    for case, goal in (('key', 40), ('certificate', 120)):
        report.add_amount(f'{case}, loaded again', '', statistics.median(cases[case]['zca']), goal=goal, generous=4 * goal,
                          unit='us')
    trust = cases['trust store']
    for variant in ('file, zca active', 'file, zca active for URIs only'):
        more = [(b - a) / 1e3 for a, b in zip(trust['file'], trust[variant])]
        report.add_amount(f'trust store of 140 CAs, {variant}: more by', '', statistics.median(more), goal=0.6, generous=6,
                          unit='ms')
    for kind, file in (('key', 'p256.key'), ('certificate', 'p256.crt')):
        costs = measure_first(bed, kind, file, 60 if is_long else 20)
        report.add(f'{kind}, first in a process', costs, 'zca', faster_is_more=False, generous=2)
    return report


def measure_first(bed, kind, file, rounds):
    sources = {'file': bed.path(file), 'again': bed.path(file), 'zca': 'zca://bench-p256'}
    costs = {name: [] for name in sources}
    for _ in range(rounds):
        for name, source in sources.items():
            costs[name].append(json.loads(bed.run(bed.programs / 'load', 'first', kind, source))['us'])
    return costs


# ---- whole processes ----

def take_turns(variants, rounds):
    """Runs commands in turns A B C C B A: {variant: [mean wall]}, {variant: [mean CPU]}, {variant: least wall}."""
    walls = {name: [] for name in variants}
    cpus = {name: [] for name in variants}
    least = dict.fromkeys(variants, float('inf'))
    order = list(variants) + list(variants)[::-1]
    for number in range(rounds + 1):
        costs = {name: [] for name in variants}
        for name in order:
            costs[name].append(beds.spawn_and_wait(*variants[name]))
        for name, pair in costs.items():
            if number > 0:
                walls[name].append(statistics.mean(wall for wall, _ in pair))
                cpus[name].append(statistics.mean(cpu for _, cpu in pair))
                least[name] = min(least[name], *(wall for wall, _ in pair))
    return walls, cpus, least


def commands(bed):
    """command: (what reads a file, what reads zca://, goal for the ratio)"""
    key, certificate, both = (str(bed.path(name)) for name in ('p256.key', 'p256.crt', 'p256.pem'))
    uri = 'zca://bench-p256'
    request = ['openssl', 'req', '-new', '-subj', '/CN=bench', '-key']
    return {
        'openssl version': (['openssl', 'version'], ['openssl', 'version'], None),
        'openssl req -new -key': (request + [key], request + [uri], 1.00),
        'openssl storeutl': (['openssl', 'storeutl', both], ['openssl', 'storeutl', uri], 0.90),
        'openssl x509 -in': (['openssl', 'x509', '-in', certificate], ['openssl', 'x509', '-in', uri], 1.02),
    }


def measure_tool(bed, json_file, is_long):
    report = figures.Report('Commands', 'Whole processes on one core, by CPU time; at least 100 runs of each. Ratio: zca:// '
                            'to file.', json_file)
    plain, active = bed.with_configuration('without'), bed.with_configuration('with')
    rounds = (300 if is_long else FEWEST_RUNS) // 2
    for name, (of_file, of_zca, goal) in commands(bed).items():
        walls, cpus, least = take_turns({'file': (of_file, plain), 'again': (of_file, plain),
                                         'file, zca active': (of_file, active), 'zca': (of_zca, active)}, rounds)
        if of_file != of_zca:
            report.add(name, cpus, 'zca', faster_is_more=False, goal=goal, generous=1.6, unit='ms')
        report.add(f'{name}, file, zca active', cpus, 'file, zca active', faster_is_more=False, generous=1.3, unit='ms')
        subject = 'zca' if of_file != of_zca else 'file, zca active'
        more = statistics.median([b - a for a, b in zip(walls['file'], walls[subject])])
        report.add_amount(f'{name}: wall, more by, median', f'{statistics.median(walls["file"]):.2f} ms', more, unit='ms')
        report.add_amount(f'{name}: wall, more by, least', f'{least["file"]:.2f} ms', least[subject] - least['file'],
                          goal=0.15 if name == 'openssl version' else None, unit='ms')
    return report


def nginx_configuration(bed, number, key_suffix, certificate_suffix):
    lines = [f'pid {bed.path("nginx.pid")}; error_log stderr; events {{}} http {{']
    lines += [f'{name}_temp_path {bed.directory};' for name in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')]
    for i in range(1, number + 1):
        stem = bed.path(f'many/{i}')
        lines.append(f'server {{ listen 127.0.0.1:1443 ssl; server_name {i}; ssl_certificate {stem}.{certificate_suffix}; '
                     f'ssl_certificate_key {stem}.{key_suffix}; }}')
    path = bed.path(f'nginx-{key_suffix}.conf')
    path.write_text('\n'.join(lines) + '\n}\n')
    return ['nginx', '-t', '-e', 'stderr', '-c', str(path)]


def measure_configuration(bed, json_file, is_long):
    number = 300
    report = figures.Report('Reading a configuration', f'nginx -t with {number} servers, by CPU time. Ratio: key references to '
                            'key files.', json_file)
    bed.run(bed.programs / 'material', bed.directory, 'many', number)
    files = nginx_configuration(bed, number, 'key', 'crt')
    references = nginx_configuration(bed, number, 'ref', 'zca.crt')
    plain, active = bed.with_configuration('without'), bed.with_configuration('with')
    _, cpus, _ = take_turns({'file': (files, plain), 'again': (files, plain), 'file, zca active': (files, active),
                             'zca': (references, active)}, 15 if is_long else 6)
    report.add(f'nginx -t, {number} servers', cpus, 'zca', faster_is_more=False, goal=1.05, generous=1.6, unit='ms')
    report.add(f'nginx -t, {number} servers, files, zca active', cpus, 'file, zca active', faster_is_more=False, generous=1.4,
               unit='ms')
    return report
