# SPDX-License-Identifier: Apache-2.0
"""Where measurements are made: a directory with material, a scrubbed environment, and programs on chosen cores."""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SERVER_CORE = 0
CLIENT_CORE = 1
DROPPED = ('OPENSSL_CONF', 'OPENSSL_MODULES', 'ZCA_CONFIG', 'ZCA_LOG', 'http_proxy', 'https_proxy', 'all_proxy')


class Bed:
    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.programs = self.build / 'tests' / 'bench'
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='zca-bench.'))
        self.environment = {name: value for name, value in os.environ.items()
                            if name not in DROPPED and name.lower() not in DROPPED}
        # a system's 140 CAs would be read by `openssl x509`; HOME and the like may hold a zca.conf
        self.environment |= {'ZCA_MODULES': str(self.build / 'provider'), 'ZCA_CONFIG': str(self.path('zca.conf')),
                             'SSL_CERT_FILE': '/dev/null', 'SSL_CERT_DIR': '/nonexistent', 'LC_ALL': 'C.UTF-8',
                             'HOME': str(self.directory), 'XDG_RUNTIME_DIR': str(self.directory)}
        self.run(self.programs / 'material', self.directory)

    def path(self, name):
        return self.directory / name

    def with_configuration(self, name):
        """The environment for openssl with ("with") or without ("without") zca."""
        return self.environment | {'OPENSSL_CONF': str(self.path(f'{name}.cnf'))}

    def run(self, *command, **options):
        """The output of a command, which must succeed."""
        done = subprocess.run([str(word) for word in command], env=options.pop('env', self.environment),
                              capture_output=True, text=True, check=False, **options)
        if done.returncode != 0:
            sys.exit(f'{" ".join(str(word) for word in command)}:\n{done.stdout}{done.stderr}')
        return done.stdout

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def pin(core):
    """Keeps this process and what it starts on one core, where there is more than one."""
    if core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_for_port(port, process):
    for _ in range(200):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f'{process.args[0]} does not listen at {port}')


def spawn_and_wait(command, environment):
    """Runs a command with its output thrown away: wall and CPU time in milliseconds."""
    quiet = [(os.POSIX_SPAWN_OPEN, number, '/dev/null', os.O_RDWR, 0) for number in (0, 1, 2)]
    began = time.perf_counter_ns()
    pid = os.posix_spawnp(command[0], command, environment, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    wall = (time.perf_counter_ns() - began) / 1e6
    if status != 0:
        sys.exit(f'{" ".join(command)} failed')
    return wall, (usage.ru_utime + usage.ru_stime) * 1e3
