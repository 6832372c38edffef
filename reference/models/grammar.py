"""A stochastic grammar of short stories for children that knows the probability of everything it writes.

A story is a list of phases (plots.py); each phase offers several wordings, one of which is drawn. A wording may contain
  {h}          a variable: drawn from its domain (lexicon.py) when it is first needed, then kept for the whole story
  {h.his}      a property of a variable; a property may itself be a wording
  [one|two]    a choice between wordings
Variables of the same domain never share a value, so two characters never share a name. All draws are uniform.

The probability of a derivation is the product of its draws. `derivations_of_text` finds all derivations of a text by
exhaustive search, which shows whether the grammar is unambiguous (with one derivation per text the derivation's
probability is the text's), and tells whether any given text, a model's for instance, is a story of this grammar.
"""

import argparse
import functools
import math
import random

import lexicon
import plots


class Mismatch(Exception):
    """The derivation does not write the text that it is compared with."""


@functools.lru_cache(maxsize=None)
def parse(wording):
    """Splits a wording into nodes: a string, ('variable', name, property) or ('choice', wordings)."""
    nodes, i = [], 0
    while i < len(wording):
        if wording[i] == '{':
            end = wording.index('}', i)
            name, _, attribute = wording[i + 1:end].partition('.')
            nodes.append(('variable', name, attribute))
            i = end + 1
        elif wording[i] == '[':
            end = wording.index(']', i)
            nodes.append(('choice', tuple(wording[i + 1:end].split('|'))))
            i = end + 1
        else:
            end = min((j for j in (wording.find('{', i), wording.find('[', i)) if j >= 0), default=len(wording))
            nodes.append(wording[i:end])
            i = end
    return tuple(nodes)


class Derivation:
    """One story in the making: `choose(n)` draws an index below n, `emit(text)` receives the text."""

    def __init__(self, choose, emit):
        self.choose, self.emit = choose, emit
        self.values = {}

    def tell(self):
        plot = plots.PLOTS[self.pick(len(plots.PLOTS))]
        first = True
        for phase in plot:
            wording = phase[self.pick(len(phase))]
            if not wording:
                continue
            if not first:
                self.emit(' ')
            first = False
            self.write(wording)

    def pick(self, n):
        return self.choose(n) if n > 1 else 0

    def value(self, name):
        if name not in self.values:
            domain_name = lexicon.VARIABLES[name]
            used = [v for n, v in self.values.items() if lexicon.VARIABLES[n] == domain_name]
            domain = [v for v in lexicon.DOMAINS[domain_name] if v not in used]
            self.values[name] = domain[self.pick(len(domain))]
        return self.values[name]

    def write(self, wording):
        for node in parse(wording):
            if isinstance(node, str):
                self.emit(node)
            elif node[0] == 'choice':
                self.write(node[1][self.pick(len(node[1]))])
            else:
                self.write(self.value(node[1])[node[2] or 'name'])


def generate(rng):
    """A story and the natural logarithm of the probability of its derivation."""
    parts, log_probability = [], [0.0]

    def choose(n):
        log_probability[0] -= math.log(n)
        return int(rng.random() * n)

    Derivation(choose, parts.append).tell()
    return ''.join(parts), log_probability[0]


def derivations_of_text(text):
    """The log-probabilities of all derivations of the text.

    Depth-first search: a prefix of draws is replayed, then the first alternative is taken wherever a new draw is met;
    after that the deepest draw that has an alternative left is changed."""
    found, path = [], []  # path: [index drawn, number of alternatives]
    while True:
        position, depth = 0, 0

        def choose(n):
            nonlocal depth
            if depth == len(path):
                path.append([0, n])
            depth += 1
            return path[depth - 1][0]

        def emit(part):
            nonlocal position
            if not text.startswith(part, position):
                raise Mismatch
            position += len(part)

        try:
            Derivation(choose, emit).tell()
            if position == len(text):
                found.append(-sum(math.log(n) for _, n in path))
        except Mismatch:
            pass
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return found
        path[-1][0] += 1


def main():
    parser = argparse.ArgumentParser(description='Writes stories and reports the entropy of the grammar.')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--stories', type=int, default=3, help='stories to print')
    parser.add_argument('--statistics', type=int, default=0, help='stories to measure')
    parser.add_argument('--unambiguous', type=int, default=0, help='stories whose derivations are counted')
    options = parser.parse_args()

    rng = random.Random(options.seed)
    for _ in range(options.stories):
        text, log_probability = generate(rng)
        print(f'{text}\n[{len(text.split())} words, {-log_probability:.1f} nats]\n')
    if options.statistics:
        told = [generate(rng) for _ in range(options.statistics)]
        lengths = sorted(len(text.split()) for text, _ in told)
        words = {word.strip('.,!?":;').lower() for text, _ in told for word in text.split()}
        print(f'words per story {lengths[0]} to {lengths[-1]}, mean {sum(lengths) / len(lengths):.1f}; '
              f'different words {len(words)}; '
              f'entropy {-sum(p for _, p in told) / len(told):.2f} nats per story, '
              f'{-sum(p for _, p in told) / sum(lengths):.4f} per word')
    if options.unambiguous:
        counts = [len(derivations_of_text(generate(rng)[0])) for _ in range(options.unambiguous)]
        print(f'derivations per story: least {min(counts)}, most {max(counts)}, of {len(counts)} stories')


if __name__ == '__main__':
    main()
