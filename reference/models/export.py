"""Writes a checkpoint of train.py as GGUF: stories-f32.gguf, the master, and stories.gguf in Q8_0."""

import argparse
import os

import torch

import gguf_writer
import tokenizer


def metadata(shape, vocabulary, file_type):
    return {
        'general.architecture': 'llama',
        'general.name': 'weft stories',
        'general.description': 'Short stories for children, learnt from a stochastic grammar; see MODEL_CARD.md',
        'general.license': 'apache-2.0',
        'general.file_type': file_type,
        'general.quantization_version': 2,
        'llama.vocab_size': shape.vocabulary,
        'llama.context_length': shape.context,
        'llama.embedding_length': shape.width,
        'llama.block_count': shape.blocks,
        'llama.feed_forward_length': shape.feed_forward,
        'llama.attention.head_count': shape.heads,
        'llama.attention.head_count_kv': shape.kv_heads,
        'llama.attention.layer_norm_rms_epsilon': shape.epsilon,
        'llama.rope.dimension_count': shape.head_size,
        'llama.rope.freq_base': shape.rope_base,
        'tokenizer.ggml.model': 'llama',
        'tokenizer.ggml.tokens': vocabulary.pieces,
        'tokenizer.ggml.scores': vocabulary.scores,
        'tokenizer.ggml.token_type': vocabulary.types,
        'tokenizer.ggml.bos_token_id': tokenizer.BOS,
        'tokenizer.ggml.eos_token_id': tokenizer.EOS,
        'tokenizer.ggml.unknown_token_id': tokenizer.UNKNOWN,
        'tokenizer.ggml.add_bos_token': True,
        'tokenizer.ggml.add_eos_token': False,
        'tokenizer.ggml.add_space_prefix': True,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint')
    parser.add_argument('--output', default='.', help='folder of the two files')
    options = parser.parse_args()

    kept = torch.load(options.checkpoint)
    weights = {name: tensor.numpy() for name, tensor in kept['model'].items()}
    for file, matrices, file_type in (('stories-f32.gguf', gguf_writer.F32, 0), ('stories.gguf', gguf_writer.Q8_0, 7)):
        tensors = [(name, array, matrices if array.ndim == 2 else gguf_writer.F32) for name, array in weights.items()]
        path = os.path.join(options.output, file)
        gguf_writer.write(path, metadata(kept['shape'], kept['vocabulary'], file_type), tensors)
        print(f'{path}: {os.path.getsize(path)} bytes, step {kept["step"]}, {kept["tokens"]} tokens')


if __name__ == '__main__':
    main()
