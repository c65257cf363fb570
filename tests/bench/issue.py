# SPDX-License-Identifier: Apache-2.0
"""Certificates on demand from zca-server through the PKCS#11 module: the first of a process, and those that follow it."""
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

import figures

PLACES = {'disk': '/var/tmp', 'tmpfs': '/dev/shm'}
FIRST_GOAL_MS = 5
KEPT_GOAL_MS = 1
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
                 'log = stderr', 'log-level = debug', f'remote-library = {self.bed.build}/remote/zca-remote.so', authority]
        lines += [f'[identity {name}.bench.example]' for name in names]
        lines += ['[identity nobody/left-out]']  # told as a failure, which opens the log of the module
        (self.directory / 'zca.conf').write_text('\n'.join(lines) + '\n')

    def run(self, state, number):
        """Milliseconds of `number` identities in one process, and those of their round trips from zca's own trace."""
        authority = ''.join(self.section[1:]).replace(f'{self.directory}/none', f'{self.directory}/{state}')
        shutil.copytree(self.directory / 'none', self.directory / state)
        self.configure(state, [f'{state}-{i}' for i in range(number)], authority)
        done = subprocess.run([str(self.bed.programs / 'issue'), str(self.bed.build / 'pkcs11-module' / 'zca-pkcs11.so'),
                               str(number)],
                              env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        trips = [float(ms) for ms in re.findall(r"submit at '.*': done in ([0-9.]+) ms", done.stderr)]
        return [int(us) / 1000 for us in done.stdout.split()], trips

    def store_ms(self, number):
        output = self.bed.run(self.bed.programs / 'issue', 'stores', self.directory / 'probe', number)
        return statistics.median(int(us) / 1000 for us in output.split())

    def close(self):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def measure_place(report, organisation, place, is_long):
    processes, identities = (60, 200) if is_long else (20, 60)
    firsts, first_trips = zip(*((ms[0], trips[0]) for ms, trips in
                                (organisation.run(f'first{i}', 1) for i in range(processes))))
    kept, kept_trips = organisation.run('kept', identities + 1)
    store_ms = organisation.store_ms(200)
    for case, costs, trips, goal in (('first', firsts, first_trips, FIRST_GOAL_MS),
                                     ('kept-alive', kept[1:], kept_trips[1:], KEPT_GOAL_MS)):
        total, trip = statistics.median(costs), statistics.median(trips)
        name = f'{place}, {case}'
        report.add_amount(f'{name}, p50 of {len(costs)}', '', total, goal=goal, generous=20 * goal, unit='ms')
        report.add_amount(f'{name}, least', '', min(costs), unit='ms')
        report.add_amount(f'{name}: round trip', '', trip, unit='ms')
        report.add_amount(f'{name}: {STORES} durable stores', '', STORES * store_ms, unit='ms')
        report.add_amount(f'{name}: the rest', '', total - trip - STORES * store_ms, unit='ms')


def measure_issue(bed, json_file, is_long):
    report = figures.Report('Certificates on demand', 'A search for certificates through zca-pkcs11.so that requests one from '
                            'zca-server over loopback; the key is there. File keystore, everything of client and server on a '
                            'disk or on tmpfs. First: in a new process with a new TLS connection. A round trip has the work '
                            'of the server and its two commits; stores are measured beside.', json_file)
    for place, parent in PLACES.items():
        organisation = Organisation(bed, parent)
        try:
            measure_place(report, organisation, place, is_long)
        finally:
            organisation.close()
    return report
