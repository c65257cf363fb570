# SPDX-License-Identifier: Apache-2.0
"""What the measurements share: medians of paired ratios with their interval, validity, goals, and rows of a table.

Variants of a case are measured in turns, round by round. The first is the reference, and "again" is the reference once
more: when the two differ by more than two hundredths, the machine was too noisy and the case is called invalid.
"""
import json
import os
import random
import statistics

NOISE = (0.98, 1.02)
RESAMPLES = 1000
HEADER = ('case', 'reference', 'zca', 'ratio', '95 %', 'quartiles', 'A/A', 'goal')


def median_interval(values):
    """The 95 % interval of the median by resampling; equal data gives equal intervals."""
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return medians[RESAMPLES * 25 // 1000], medians[RESAMPLES * 975 // 1000]


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4)
    return first, third


class Report:
    """Collects the rows of one table, and whether a generous limit was passed."""

    def __init__(self, title, how, json_file=None):
        self.title = title
        self.how = how
        self.json_file = json_file
        self.rows = []
        self.failures = []
        self.load_before = os.getloadavg()[0]

    def write_json(self, record):
        if self.json_file:
            record = {'bench': self.title, 'load': os.getloadavg()[0], **record}
            self.json_file.write(json.dumps(record) + '\n')

    def add(self, case, costs, subject, *, faster_is_more, goal=None, generous=None, unit='us', scale=1.0):
        """One row: `subject` of the dictionary `costs` against its first variant.

        costs           variant: its costs, one for each round, paired by their place.
        faster_is_more  the ratio is reference to subject, so above 1 the subject is cheaper; else the inverse.
        goal, generous  bounds of the ratio; passing the second is a failure when the case is valid.
        """
        reference = next(iter(costs))
        pairs = list(zip(costs[reference], costs[subject]))
        ratios = [a / b if faster_is_more else b / a for a, b in pairs]
        ratio = statistics.median(ratios)
        noise = statistics.median([a / b for a, b in zip(costs[reference], costs['again'])]) \
            if 'again' in costs else None
        valid = noise is None or NOISE[0] <= noise <= NOISE[1]
        low, high = median_interval(ratios)
        first, third = quartiles(ratios)
        self.judge(case, ratio, valid, faster_is_more, generous)
        self.rows.append((case, f'{statistics.median(costs[reference]) * scale:.2f} {unit}',
                          f'{statistics.median(costs[subject]) * scale:.2f} {unit}', f'{ratio:.3f}',
                          f'{low:.3f} to {high:.3f}', f'{first:.3f}, {third:.3f}',
                          '' if noise is None else f'{noise:.3f}' + ('' if valid else ' invalid'),
                          tell_goal(ratio, goal, faster_is_more)))
        self.write_json({'case': case, 'reference': statistics.median(costs[reference]),
                         'subject': statistics.median(costs[subject]), 'ratio': ratio, 'low': low, 'high': high,
                         'again': noise, 'valid': valid, 'goal': goal})

    def add_amount(self, case, reference, amount, *, unit, goal=None, generous=None):
        """A row with an amount in place of a ratio."""
        if generous is not None and amount > generous:
            self.failures.append(f'{case}: {amount:.2f} {unit}')
        verdict = '' if goal is None else f'<= {goal} {unit}: ' + ('met' if amount <= goal else 'missed')
        self.rows.append((case, reference, f'{amount:.2f} {unit}', '', '', '', '', verdict))
        self.write_json({'case': case, 'amount': amount, 'unit': unit, 'goal': goal})

    def judge(self, case, ratio, valid, faster_is_more, generous):
        if valid and generous is not None and (ratio < generous if faster_is_more else ratio > generous):
            self.failures.append(f'{case}: ratio {ratio:.3f}, limit {generous}')

    def text(self):
        lines = [f'### {self.title}', '', f'{self.how} Load average {self.load_before:.1f} before, '
                 f'{os.getloadavg()[0]:.1f} after.', '', '| ' + ' | '.join(HEADER) + ' |', '|' + '---|' * len(HEADER)]
        lines += ['| ' + ' | '.join(row) + ' |' for row in self.rows]
        for failure in self.failures:
            lines += ['', f'Over its generous limit: {failure}']
        return '\n'.join(lines) + '\n'


def tell_goal(ratio, goal, faster_is_more):
    if goal is None:
        return ''
    met = round(ratio, 3) >= goal if faster_is_more else round(ratio, 3) <= goal
    return f'{">=" if faster_is_more else "<="} {goal:.2f}: ' + ('met' if met else 'missed')


def group(lines):
    """JSON lines of the programs as {case: {variant: [cost, ...]}}, all in the order of their first line."""
    cases = {}
    for line in lines:
        row = json.loads(line)
        cases.setdefault(row['case'], {}).setdefault(row['variant'], []).append(row['us'])
    return cases
