# SPDX-License-Identifier: Apache-2.0
"""The PKCS#11 module beside OpenSSL itself, and beside SoftHSM where it is installed: what the program pkcs11 prints."""
import shutil
import statistics

import figures
import peer

# case: (least ratio, a generous one)
RATIOS = {
    'CKM_ECDSA, 1 thread': (0.95, 0.85),
    'CKM_ECDSA, 2 threads': (0.95, 0.75),
    'CKM_ECDSA_SHA256 of 600 bytes, 1 thread': (1.05, 0.90),
    'CKM_ECDSA_SHA256 of 600 bytes, 2 threads': (1.05, 0.80),
    'CKM_RSA_PKCS, 1 thread': (0.97, 0.90),
    'CKM_RSA_PKCS, 2 threads': (0.97, 0.80),
    'CKM_RSA_PKCS_PSS, 1 thread': (0.97, 0.90),
    'P-256 key pair, destroyed': (0.60, 0.40),
}

# case: (most microseconds, generous ones)
AMOUNTS = {
    'C_GetSessionInfo': (0.1, 0.5),
    'session opened and closed': (0.3, 1.5),
    'found by CKA_ID among 10,000': (5, 40),
}


def softhsm(bed):
    """Its library, with a token of its own for this, or None."""
    library = peer.first_file(*peer.LIBRARIES)
    if not library or not shutil.which('softhsm2-util'):
        return None, bed.environment
    tokens = bed.path('module-tokens')
    tokens.mkdir()
    configuration = bed.path('module-softhsm.conf')
    configuration.write_text(f'directories.tokendir = {tokens}\nlog.level = ERROR\n')
    environment = bed.environment | {'SOFTHSM2_CONF': str(configuration)}
    bed.run('softhsm2-util', '--init-token', '--free', '--label', 'bench', '--pin', peer.PIN, '--so-pin', peer.PIN,
            env=environment)
    return library, environment


def tell_other(costs):
    """SoftHSM's ratio to OpenSSL in the same rounds."""
    if 'other' not in costs:
        return ''
    return f'{statistics.median(a / b for a, b in zip(costs["raw"], costs["other"])):.3f}'


def add_scaling(report, cases):
    """What a second thread adds: rounds of the one-thread case and of the two-thread case, by their place."""
    for name in ('CKM_ECDSA', 'CKM_ECDSA_SHA256 of 600 bytes', 'CKM_RSA_PKCS'):
        one, two = cases[f'{name}, 1 thread'], cases[f'{name}, 2 threads']
        for variant, goal in (('raw', None), ('zca', 1.9)):
            costs = {'1 thread': one[variant], '2 threads': two[variant]}
            report.add(f'{name}, {variant}: 2 threads to 1', costs, '2 threads', faster_is_more=True, goal=goal)


def measure_module(bed, json_file, is_long):
    library, environment = softhsm(bed)
    report = figures.Report('PKCS#11 module', 'Session objects; one thread by its CPU time, two by the wall clock. Ratio: OpenSSL '
                            'with a context used again (CKM_ECDSA_SHA256: EVP_DigestSign with a new one) to zca, above 1 zca '
                            'is faster.', json_file)
    others = (library, peer.PIN) if library else ()
    lines = bed.run(bed.programs / 'pkcs11', 41 if is_long else 11, bed.build / 'pkcs11-module' / 'zca-pkcs11.so', *others,
                    env=environment).splitlines()
    cases = figures.group(lines)
    for case, (goal, generous) in RATIOS.items():
        report.add(case, cases[case], 'zca', faster_is_more=True, goal=goal, generous=generous)
    add_scaling(report, cases)
    for case, (goal, generous) in AMOUNTS.items():
        other = f'SoftHSM {statistics.median(cases[case]["other"]):.2f} us' if library else ''
        report.add_amount(case, other, statistics.median(cases[case]['zca']), goal=goal, generous=generous, unit='us')
    ratios = '; '.join(f'{case} {ratio}' for case in RATIOS if (ratio := tell_other(cases[case])))
    report.how += f' SoftHSM in the same rounds: {ratios}.' if library else ' SoftHSM: not installed.'
    return report
