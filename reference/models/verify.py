"""Compares weft with PyTorch on an exported model, and judges the stories that weft writes with it.

A story counts as correct when the grammar can write exactly that text: then every name, pronoun, colour, object and
place in it agrees with what was said before."""

import argparse
import os
import subprocess
import tempfile

import numpy
import torch

import grammar
import llama
import tokenizer
import train


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          encoding='utf-8').stdout


def weft_logits(weft, model, ids, size, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'logits')
        run(weft, 'logits', model, '--tokens', ','.join(map(str, ids)), '-o', path, *options)
        return numpy.fromfile(path, '<f4').reshape(len(ids), size)


def nats(logits, targets):
    logits = logits.astype(numpy.float64)
    top = logits.max(1)
    return (numpy.log(numpy.exp(logits - top[:, None]).sum(1)) + top - logits[range(len(targets)), targets]).sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint')
    parser.add_argument('--weft', default='weft', help='the program')
    parser.add_argument('--models', default=os.path.dirname(os.path.abspath(__file__)), help='folder of the GGUF files')
    parser.add_argument('--held-out', type=int, default=50, help='stories to compare logits and losses on')
    parser.add_argument('--stories', type=int, default=100, help='stories to generate at each setting')
    options = parser.parse_args()

    kept = torch.load(options.checkpoint)
    shape, vocabulary = kept['shape'], kept['vocabulary']
    model = llama.Llama(shape)
    model.load_state_dict(kept['model'])
    master, small = (os.path.join(options.models, name) for name in ('stories-f32.gguf', 'stories.gguf'))

    told = train.stories(kept['options']['seed'], 'held out', options.held_out)
    differing, largest, tokens, losses = 0, 0.0, 0, numpy.zeros(3)
    for text, _ in told:
        ids = tokenizer.encode(vocabulary, text)
        weft_ids = run(options.weft, 'tokenize', small, text, '--ids').replace(',', ' ').split()
        differing += [int(i) for i in weft_ids] != [tokenizer.BOS] + ids
        inputs, targets = [tokenizer.BOS] + ids, ids + [tokenizer.EOS]
        with torch.no_grad():
            expected = model(torch.tensor([inputs]))[0].numpy()
        found = weft_logits(options.weft, master, inputs, shape.vocabulary)
        largest = max(largest, float(numpy.abs(found - expected).max()))
        quantized = weft_logits(options.weft, small, inputs, shape.vocabulary)
        losses += [nats(logits, targets) for logits in (expected, found, quantized)]
        tokens += len(targets)
    losses /= tokens
    print(f'{len(told)} held-out stories: {differing} with other token ids; '
          f'largest difference of logits, F32: {largest:.2g}')
    print(f'nats per token: grammar {-sum(p for _, p in told) / tokens:.5f}, PyTorch {losses[0]:.5f}, '
          f'weft F32 {losses[1]:.5f}, weft Q8_0 {losses[2]:.5f}')
    for label, settings in (('temperature 0.8', ['--temp', '0.8']),
                            ('temperature 1, whole distribution',
                             ['--temp', '1', '--top-k', '0', '--top-p', '1', '--min-p', '0'])):
        correct, wrong = 0, ''
        for seed in range(options.stories):
            text = run(options.weft, 'generate', small, '-n', '500', '--seed', str(seed), *settings).strip()
            if grammar.derivations_of_text(text):
                correct += 1
            elif len(wrong) < 3000:
                wrong += f'seed {seed}: {text}\n'
        print(f'{label}: {correct} of {options.stories} stories are stories of the grammar\n{wrong}', end='')


if __name__ == '__main__':
    main()
