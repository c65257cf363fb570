# SPDX-License-Identifier: Apache-2.0
"""Certificates on demand from zca-server through the PKCS#11 module: the first of a process, and those that follow it."""
import pathlib
import re
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time

import figures

PLACES = {'disk': '/var/tmp', 'tmpfs': '/dev/shm'}
FIRST_GOAL_MS = 5
KEPT_GOAL_MS = 1
PROBES = 200
STORES = 2  # of an issuance for a key that is there: the journal before the authority is asked, and the certificate


class Organisation:
    """A CA server, and a zca.conf that knows it, with everything below one directory."""

    def __init__(self, bed, parent):
        self.bed = bed
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='zca-bench.', dir=parent))
        self.log = self.directory / 'server.log'
        self.environment = bed.environment | {'ZCA_CONFIG': str(self.directory / 'zca.conf')}
        with open(self.log, 'wb') as log:
            self.server = subprocess.Popen(
                [bed.build / 'server' / 'zca-server', '--state-dir', self.directory / 'server', '--listen', '127.0.0.1:0'],
                env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        self.configure('none', [])
        zca = bed.build / 'tool' / 'zca'
        bed.run(zca, *self.wait_for_login().split()[1:], env=self.environment)
        bed.run(zca, 'ca', 'init', env=self.environment)
        self.section = (self.directory / 'zca.conf').read_text().partition('[authority')

    def wait_for_login(self):
        for _ in range(200):
            line = re.search(r'zca login --.*', self.log.read_text())
            if line:
                return line.group()
            time.sleep(0.05)
        raise SystemExit(f'zca-server does not start:\n{self.log.read_text()}')

    def configure(self, state, names, authority=''):
        """State and identities of their own, so that each needs a key and a certificate."""
        lines = ['[zca]', f'state-dir = {self.directory}/{state}', f'runtime-dir = {self.directory}/run', 'keystore = file',
                 f'log = {self.trace(state)}', 'log-level = debug', f'remote-library = {self.bed.build}/remote/zca-remote.so', authority]
        lines += [f'[identity {name}.bench.example]' for name in names]
        lines += ['[identity nobody/left-out]']  # told as a failure, which opens the log of the module
        (self.directory / 'zca.conf').write_text('\n'.join(lines) + '\n')

    def trace(self, state):
        """A file: whoever read a pipe would be woken for each line, in the middle of what is measured."""
        return self.directory / f'{state}.log'

    def run(self, state, number):
        """Milliseconds of `number` identities in one process, and those of their round trips from zca's own trace."""
        authority = ''.join(self.section[1:]).replace(f'{self.directory}/none', f'{self.directory}/{state}')
        shutil.copytree(self.directory / 'none', self.directory / state)
        self.configure(state, [f'{state}-{i}' for i in range(number)], authority)
        done = subprocess.run([str(self.bed.programs / 'issue'), str(self.bed.build / 'pkcs11-module' / 'zca-pkcs11.so'),
                               str(number)],
                              env=self.environment, capture_output=True, text=True, check=False)
        trace = self.trace(state).read_text()
        if done.returncode != 0:
            raise SystemExit(done.stderr + trace)
        trips = [float(ms) for ms in re.findall(r"submit at '.*': done in ([0-9.]+) ms", trace)]
        return [int(us) / 1000 for us in done.stdout.split()], trips

    def store_ms(self, number):
        output = self.bed.run(self.bed.programs / 'issue', 'stores', self.directory / 'probe', number)
        return statistics.median(int(us) / 1000 for us in output.split())

    def empty_trip_ms(self):
        """What a request takes that nobody answers to, on a connection that is kept."""
        url = re.search(r'https://[0-9.:]+', self.log.read_text()).group()
        requests = f'url = "{url}/nothing"\noutput = "/dev/null"\n' * PROBES
        told = subprocess.run(['curl', '--silent', '--cacert', self.directory / 'server' / 'tls-ca.pem', '--config', '-',
                               '--write-out', '%{time_connect} %{time_total}\n'],
                              env=self.bed.environment, input=requests, capture_output=True, text=True, check=True).stdout
        times = [line.split() for line in told.splitlines()]
        return statistics.median(float(total) * 1000 for connect, total in times if float(connect) == 0)

    def commit_ms(self):
        """A row of the size of a certificate, with an index, as durable as the server's."""
        database = sqlite3.connect(self.directory / 'commits', isolation_level=None)
        database.executescript('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;'
                               'CREATE TABLE probe (serial BLOB UNIQUE, certificate BLOB);')
        times = []
        for i in range(PROBES):
            start = time.perf_counter()
            database.execute('BEGIN IMMEDIATE')
            database.execute('INSERT INTO probe VALUES (?, ?)', (i.to_bytes(16, 'big'), bytes(700)))
            database.execute('COMMIT')
            times.append((time.perf_counter() - start) * 1000)
        database.close()
        return statistics.median(times)

    def least_ms(self, store_ms):
        """What a certificate cannot do without, each part by itself: a request signed and verified, a certificate signed and
        verified; the intent and the certificate committed; the journal and the certificate stored; a round trip."""
        speed = self.bed.run('openssl', 'speed', '-mr', '-seconds', '1', 'ecdsap256')
        a_second = re.search(r'^\+F4:\d+:256:([0-9.]+):([0-9.]+)', speed, re.MULTILINE)
        signing_ms, verifying_ms = (1000 / float(number) for number in a_second.groups())
        return 2 * signing_ms + 2 * verifying_ms + 2 * self.commit_ms() + STORES * store_ms + self.empty_trip_ms()

    def close(self):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def measure_place(report, organisation, place, is_long):
    processes, identities = (60, 200) if is_long else (20, 60)
    firsts, first_trips = zip(*((ms[0], trips[0]) for ms, trips in
                                (organisation.run(f'first{i}', 1) for i in range(processes))))
    kept, kept_trips = organisation.run('kept', identities + 1)
    store_ms = organisation.store_ms(PROBES)
    for case, costs, trips, goal in (('first', firsts, first_trips, FIRST_GOAL_MS),
                                     ('kept-alive', kept[1:], kept_trips[1:], KEPT_GOAL_MS)):
        total, trip = statistics.median(costs), statistics.median(trips)
        name = f'{place}, {case}'
        report.add_amount(f'{name}, p50 of {len(costs)}', '', total, goal=goal, generous=20 * goal, unit='ms')
        report.add_amount(f'{name}, least', '', min(costs), unit='ms')
        report.add_amount(f'{name}: round trip', '', trip, unit='ms')
        report.add_amount(f'{name}: {STORES} durable stores', '', STORES * store_ms, unit='ms')
        report.add_amount(f'{name}: the rest', '', total - trip - STORES * store_ms, unit='ms')
    report.add_amount(f'{place}, kept-alive: its parts by themselves', '', organisation.least_ms(store_ms), unit='ms')


def measure_issue(bed, json_file, is_long):
    report = figures.Report('Certificates on demand', 'A search for certificates through zca-pkcs11.so that requests one from '
                            'zca-server over loopback; the key is there. File keystore, everything of client and server on a '
                            'disk or on tmpfs. First: in a new process with a new TLS connection. A round trip has the work '
                            'of the server and its two commits; stores are measured beside. Parts by themselves: two signatures, two '
                            'verifications, two commits, two stores and an empty round trip.', json_file)
    for place, parent in PLACES.items():
        organisation = Organisation(bed, parent)
        try:
            measure_place(report, organisation, place, is_long)
        finally:
            organisation.close()
    return report
