# SPDX-License-Identifier: Apache-2.0
"""Full TLS 1.3 handshakes at nginx and haproxy: the servers' CPU time for each, with key files and with zca's references.

Servers are started anew several times, because where their memory happens to lie moves the result by a hundredth.
Within a start, all servers run and take turns; tests/bench/handshake.c is the client.
"""
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time

import bed as beds
import figures
import peer

RESTARTS = 8
ROUNDS = 10
SATURATED = 0.90  # of a core, by threads that run or wait to run


class Server:
    """A running server: its port and the processes that do handshakes."""

    def __init__(self, process, port, pids):
        self.process = process
        self.port = port
        self.pids = pids

    def target(self):
        return f'{self.port}:' + ','.join(str(pid) for pid in self.pids)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def start(command, environment, log):
    """Starts a server, which chooses its own cores: this process stays on the client's."""
    everywhere = set(range(os.cpu_count() or 1))
    with open(log, 'ab') as output:
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                preexec_fn=lambda: os.sched_setaffinity(0, everywhere))


def wait_for_children(pid):
    """The workers of a master; the port is open before they are there."""
    for _ in range(200):
        words = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
        if words:
            return [int(word) for word in words]
        time.sleep(0.02)
    sys.exit(f'process {pid} has no workers')


def start_nginx(bed, variant, environment, key, certificate, _threads):
    port = beds.free_port()
    directory = bed.path(f'nginx-{variant}')
    directory.mkdir(exist_ok=True)
    temporary = ' '.join(f'{name}_temp_path {directory};' for name in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    user = 'user root;' if os.geteuid() == 0 else ''  # SoftHSM opens its files in the worker
    (directory / 'nginx.conf').write_text(
        f'worker_processes 1; worker_cpu_affinity 01; daemon off; pid {directory}/pid; error_log {directory}/error.log;\n'
        f'{user} env OPENSSL_CONF; env SOFTHSM2_CONF; events {{}} http {{ access_log off; {temporary}\n'
        f'server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3; ssl_certificate {certificate}; '
        f'ssl_certificate_key {key}; location / {{ return 200 "hello\\n"; }} }} }}\n')
    process = start(['nginx', '-e', str(directory / 'error.log'), '-c', str(directory / 'nginx.conf')], environment,
                    directory / 'log')
    beds.wait_for_port(port, process)
    return Server(process, port, wait_for_children(process.pid))


def start_haproxy(bed, variant, environment, key, certificate, threads):
    port = beds.free_port()
    bundle = bed.path(f'haproxy-{variant}.pem')
    bundle.write_text(pathlib.Path(key).read_text() + pathlib.Path(certificate).read_text())
    configuration = bed.path(f'haproxy-{variant}.cfg')
    configuration.write_text(
        f'global\n nbthread {threads}\n cpu-map auto:1/1-{threads} {"0" if threads == 1 else "0-1"}\n'
        'defaults\n mode http\n timeout client 10s\n timeout connect 10s\n timeout server 10s\n'
        f'frontend one\n bind 127.0.0.1:{port} ssl crt {bundle} ssl-min-ver TLSv1.3\n'
        ' http-request return status 200 content-type text/plain string hello\n')
    process = start(['haproxy', '-db', '-f', str(configuration)], environment, bed.path('haproxy.log'))
    beds.wait_for_port(port, process)
    return Server(process, port, [process.pid])


def shake_hands(bed, servers, milliseconds):
    """{variant: [CPU microseconds of a handshake, ...]}, and how busy the servers were at least."""
    command = [bed.programs / 'handshake', '-t', milliseconds, '-r', ROUNDS, *(server.target() for server in servers.values())]
    names = list(servers)
    costs = {name: [] for name in names}
    busy = []
    for line in bed.run(*command).splitlines():
        row = json.loads(line)
        if row['round'] > 0:
            costs[names[row['server']]].append(row['cpu_us'] / row['handshakes'])
            busy.append((row['cpu_us'] + row['wait_us']) / row['wall_us'])
    return costs, statistics.median(busy)


def measure_server(bed, starter, algorithm, threads, milliseconds, with_peer):
    """{variant: [cost in each start]}, by the median of paired rounds, and how busy the servers were."""
    plain, active = bed.with_configuration('without'), bed.with_configuration('with')
    key, certificate = bed.path(f'{algorithm}.key'), bed.path(f'{algorithm}.crt')
    variants = {'file': (plain, key, certificate), 'again': (plain, key, certificate),
                'zca': (active, bed.path(f'{algorithm}.ref'), bed.path(f'{algorithm}.zca.crt'))}
    if with_peer:
        variants['pkcs11'] = (with_peer.environment, with_peer.references[algorithm], certificate)
    costs = {name: [] for name in variants}
    busy = []
    for number in range(RESTARTS):
        shift = number % len(variants)
        order = list(variants)[shift:] + list(variants)[:shift]
        servers = {}
        try:
            for name in order:
                servers[name] = starter(bed, name, *variants[name], threads)
            found, saturation = shake_hands(bed, servers, milliseconds)
        finally:
            for server in servers.values():
                server.stop()
        busy.append(saturation)
        reference = statistics.median(found['file'])
        for name in variants:
            ratio = statistics.median([a / b for a, b in zip(found['file'], found[name])])
            costs[name].append(reference / ratio)
    return costs, statistics.median(busy)


def measure_tls(bed, json_file, is_long):
    milliseconds = 125 if is_long else 50
    report = figures.Report(
        'Handshakes', f'Full TLS 1.3 handshakes over new connections: CPU time of the server, {RESTARTS} starts of each, '
        f'{ROUNDS} rounds of {2 * milliseconds} ms. Ratio: key file to zca, above 1 zca is cheaper.', json_file)
    beds.pin(beds.CLIENT_CORE)
    rival = peer.find(bed)
    for program, starter, threads in (('nginx', start_nginx, 1), ('haproxy', start_haproxy, 1), ('haproxy', start_haproxy, 2)):
        if not shutil.which(program):
            print(f'{program} is not installed', file=sys.stderr)
            continue
        for algorithm, goal in (('p256', 1.10), ('rsa2048', 1.55)):
            name = f'{program}, {threads} thread{"s" * (threads > 1)}, {algorithm}'
            costs, busy = measure_server(bed, starter, algorithm, threads, milliseconds, rival)
            if threads == 1 and busy < SATURATED:
                name += f' (server only {busy:.2f} busy)'
            report.add(name, costs, 'zca', faster_is_more=True, goal=0.98, generous=0.90)
            if rival:
                beside = {'pkcs11': costs['pkcs11'], 'zca': costs['zca']}
                report.add(f'{name}, zca beside pkcs11-provider', beside, 'zca', faster_is_more=True, goal=goal)
    if not rival:
        report.how += ' pkcs11-provider with SoftHSM: not installed.'
    return report
