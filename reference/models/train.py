"""Trains the built-in model on stories of the grammar; see MODEL_CARD.md for how to run it again.

The corpus is generated while training goes on, so that no story is seen twice. Every step splits its stories over
worker threads that each run PyTorch with one thread: on a busy machine that is far faster than parallel products,
whose threads wait for one another. A checkpoint is written every few minutes, and a run that finds one continues it."""

import argparse
import concurrent.futures
import math
import os
import random
import time

os.environ['OMP_NUM_THREADS'] = os.environ['OPENBLAS_NUM_THREADS'] = '1'  # before PyTorch is loaded
if os.path.exists('/proc/cpuinfo') and ' avx512dq ' in open('/proc/cpuinfo').read():
    os.environ.setdefault('OPENBLAS_CORETYPE', 'SkylakeX')  # OpenBLAS falls back to SSE on processors newer than itself

import torch
from torch.nn import functional

import grammar
import llama
import tokenizer

VOCABULARY_STORIES = 4000  # stories that the vocabulary is learnt from
POOL = 192  # stories generated at a time, which are grouped by length
IGNORED = -100  # the target of padding


def stories(seed, part, count):
    """(text, log-probability) of `count` stories; the same ones for the same seed and part."""
    rng = random.Random(f'{seed}/{part}')
    return [grammar.generate(rng) for _ in range(count)]


def batch_of(encoded):
    """Inputs and targets of stories of about the same length: BOS before, EOS after, padding to the longest."""
    length = max(len(ids) for ids in encoded) + 1
    inputs = torch.full((len(encoded), length), tokenizer.EOS)
    targets = torch.full((len(encoded), length), IGNORED)
    for row, ids in enumerate(encoded):
        inputs[row, :len(ids) + 1] = torch.tensor([tokenizer.BOS] + ids)
        targets[row, :len(ids) + 1] = torch.tensor(ids + [tokenizer.EOS])
    return inputs, targets


def batches(seed, vocabulary, size, first_step, workers):
    """The batches of every step from `first_step` on, one per worker; any step can be the first one."""
    per_pool = POOL // size // workers
    pool = first_step // per_pool
    skipped = first_step % per_pool
    while True:
        encoded = [tokenizer.encode(vocabulary, text) for text, _ in stories(seed, f'pool {pool}', POOL)]
        encoded.sort(key=len)
        groups = [encoded[i:i + size] for i in range(0, POOL, size)]
        random.Random(f'{seed}/order {pool}').shuffle(groups)
        for i in range(skipped, per_pool):
            yield [batch_of(groups[i * workers + worker]) for worker in range(workers)]
        pool, skipped = pool + 1, 0


def summed_loss(model, inputs, targets):
    logits = model(inputs)
    return functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1), reduction='sum',
                                    ignore_index=IGNORED)


class Optimizer:
    """Muon for the matrices (momentum whose singular values are all made about one), Adam for embedding and norms."""

    def __init__(self, model, matrix_rate, other_rate, weight_decay):
        self.parameters = list(model.named_parameters())
        self.matrix_rate, self.other_rate, self.weight_decay = matrix_rate, other_rate, weight_decay
        self.state = {name: [torch.zeros_like(p) for _ in range(1 if self.is_matrix(name, p) else 2)]
                      for name, p in self.parameters}

    @staticmethod
    def is_matrix(name, parameter):
        return parameter.dim() == 2 and not name.startswith('token_embd')

    @torch.no_grad()
    def update(self, index, gradient, step, factor):
        name, parameter = self.parameters[index]
        if self.is_matrix(name, parameter):
            (momentum,) = self.state[name]
            momentum.lerp_(gradient, 0.05)
            direction = orthogonal(gradient.lerp(momentum, 0.95))
            rate = factor * self.matrix_rate
            parameter.mul_(1 - rate * self.weight_decay)
            parameter.add_(direction, alpha=-rate * math.sqrt(max(1, parameter.shape[0] / parameter.shape[1])))
        else:
            mean, square = self.state[name]
            mean.lerp_(gradient, 0.1)
            square.lerp_(gradient * gradient, 0.05)
            denominator = (square / (1 - 0.95 ** (step + 1))).sqrt_().add_(1e-10)
            parameter.addcdiv_(mean, denominator, value=-factor * self.other_rate / (1 - 0.9 ** (step + 1)))


def orthogonal(matrix, iterations=5):
    """The nearest matrix with orthogonal rows or columns, roughly: a Newton-Schulz iteration of fifth order."""
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-12)
    for _ in range(iterations):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def rate_factor(progress):
    """A short warm-up, a constant part, and a linear descent to zero."""
    return min(1.0, progress / 0.02 + 0.02, (1 - progress) / 0.6) if progress < 1 else 0.0


@torch.no_grad()
def held_out_loss(model, vocabulary, told, pool):
    """Model and grammar in nats per token, EOS included, on the same stories."""
    encoded = sorted((tokenizer.encode(vocabulary, text) for text, _ in told), key=len)
    groups = [encoded[i:i + 8] for i in range(0, len(encoded), 8)]
    loss = sum(pool.map(lambda group: summed_loss(model, *batch_of(group)).item(), groups))
    tokens = sum(len(ids) + 1 for ids in encoded)
    return loss / tokens, -sum(p for _, p in told) / tokens


def save(path, **content):
    torch.save(content, path + '.new')
    os.replace(path + '.new', path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', default='run', help='folder of the checkpoint')
    parser.add_argument('--seed', type=int, default=2026)
    parser.add_argument('--steps', type=int, default=3000)
    parser.add_argument('--minutes', type=float, default=math.inf, help='end after this time, whatever the steps')
    parser.add_argument('--save-minutes', type=float, default=4)
    parser.add_argument('--stories', type=int, default=6, help='stories per worker and step')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--vocabulary', type=int, default=1792)
    parser.add_argument('--matrix-rate', type=float, default=0.02)
    parser.add_argument('--other-rate', type=float, default=0.004)
    parser.add_argument('--weight-decay', type=float, default=0.05)
    parser.add_argument('--held-out', type=int, default=400, help='stories of the final measurement')
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    os.makedirs(options.output, exist_ok=True)
    path = os.path.join(options.output, 'checkpoint.pt')
    vocabulary, _ = tokenizer.train([text for text, _ in stories(options.seed, 'vocabulary', VOCABULARY_STORIES)],
                                    options.vocabulary)
    shape = llama.Shape(len(vocabulary.pieces))
    model = llama.Llama(shape)
    optimizer = Optimizer(model, options.matrix_rate, options.other_rate, options.weight_decay)
    parameters = list(model.parameters())
    step, tokens, seconds = 0, 0, 0.0
    if os.path.exists(path):
        kept = torch.load(path)
        model.load_state_dict(kept['model'])
        optimizer.state = kept['optimizer']
        step, tokens, seconds = kept['step'], kept['tokens'], kept['seconds']
    print(f'{sum(p.numel() for p in parameters)} parameters, from step {step}', flush=True)

    def gradients(batch):
        loss = summed_loss(model, *batch)
        return loss.item(), torch.autograd.grad(loss, parameters)

    def checkpoint():
        save(path, model=model.state_dict(), optimizer=optimizer.state, step=step, tokens=tokens, seconds=seconds,
             shape=shape, vocabulary=vocabulary, options=vars(options))

    held_out = stories(options.seed, 'held out', options.held_out)
    # The largest matrices first, so that the workers finish their updates together.
    order = sorted(range(len(parameters)), key=lambda i: -parameters[i].numel())
    with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
        begin, saved, source = time.time() - seconds, time.time(), None
        source = batches(options.seed, vocabulary, options.stories, step, options.workers)
        for work in source:
            seconds = time.time() - begin
            progress = max(step / options.steps, seconds / 60 / options.minutes)
            if progress >= 1:
                break
            results = list(pool.map(gradients, work))
            count = sum(int((targets != IGNORED).sum()) for _, targets in work)
            factor = rate_factor(progress)
            list(pool.map(lambda i: optimizer.update(i, sum(g[i] for _, g in results) / count, step, factor), order))
            step, tokens = step + 1, tokens + count
            if step % 10 == 0:
                print(f'step {step} {seconds:.0f} s {tokens} tokens {tokens / seconds:.0f}/s rate {factor:.3f} '
                      f'loss {sum(loss for loss, _ in results) / count:.4f}', flush=True)
            if time.time() - saved > 60 * options.save_minutes:
                checkpoint()
                saved = time.time()
                loss, entropy = held_out_loss(model, vocabulary, held_out[:48], pool)
                print(f'step {step} held out {loss:.4f} grammar {entropy:.4f}', flush=True)
        checkpoint()
        loss, entropy = held_out_loss(model, vocabulary, held_out, pool)
        print(f'final: step {step}, {tokens} tokens, {seconds / 60:.1f} minutes; held out {loss:.5f}, '
              f'grammar {entropy:.5f} nats per token: {100 * (loss / entropy - 1):.2f} % above', flush=True)


if __name__ == '__main__':
    main()
