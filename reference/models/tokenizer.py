"""The SentencePiece vocabulary of the stories, and the encoder by scores that GGUF's `llama` tokenizer stands for."""

import dataclasses
import heapq
import io

import sentencepiece

UNKNOWN, BOS, EOS = 0, 1, 2
NORMAL_TYPE, UNKNOWN_TYPE, CONTROL_TYPE, BYTE_TYPE = 1, 2, 3, 6


@dataclasses.dataclass
class Vocabulary:
    pieces: list
    scores: list
    types: list

    def __post_init__(self):
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}
        self.words = {}


def train(texts, size):
    """Learns a vocabulary of merges with bytes as the last resort; returns it and SentencePiece's own encoder."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, model_type='bpe', vocab_size=size, byte_fallback=True,
        character_coverage=1.0, normalization_rule_name='identity', remove_extra_whitespaces=False,
        split_digits=True, unk_id=UNKNOWN, bos_id=BOS, eos_id=EOS, pad_id=-1, num_threads=1, minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [processor.id_to_piece(i) for i in range(len(processor))]
    types = [UNKNOWN_TYPE if processor.is_unknown(i) else CONTROL_TYPE if processor.is_control(i)
             else BYTE_TYPE if processor.is_byte(i) else NORMAL_TYPE for i in range(len(processor))]
    return Vocabulary(pieces, [processor.get_score(i) for i in range(len(processor))], types), processor


def encode(vocabulary, text):
    """The ids of a text, without BOS. No piece has a space inside, so that each word can be encoded once and kept."""
    ids = []
    for word in text.split(' '):
        if word not in vocabulary.words:
            vocabulary.words[word] = _merge(vocabulary, '\u2581' + word)
        ids += vocabulary.words[word]
    return ids


def _merge(vocabulary, text):
    """Merges the neighbours whose joint piece has the highest score, the leftmost first, until none is left."""
    symbols = list(text)
    following = list(range(1, len(symbols))) + [None]
    previous = [None] + list(range(len(symbols) - 1))
    heap = []

    def add(left):
        right = following[left] if left is not None else None
        if right is not None:
            i = vocabulary.ids.get(symbols[left] + symbols[right])
            if i is not None:
                heapq.heappush(heap, (-vocabulary.scores[i], left, right, len(symbols[left]) + len(symbols[right])))

    for i in range(len(symbols)):
        add(i)
    while heap:
        _, left, right, length = heapq.heappop(heap)
        if not symbols[left] or not symbols[right] or len(symbols[left]) + len(symbols[right]) != length:
            continue
        symbols[left] += symbols[right]
        symbols[right] = ''
        following[left] = following[right]
        if following[right] is not None:
            previous[following[right]] = left
        add(previous[left])
        add(left)
    ids = []
    for symbol in filter(None, symbols):
        if symbol in vocabulary.ids:
            ids.append(vocabulary.ids[symbol])
        else:
            ids += [vocabulary.ids[f'<0x{byte:02X}>'] for byte in symbol.encode()]
    return ids


def decode(vocabulary, ids):
    return ''.join(vocabulary.pieces[i] for i in ids if i > EOS).replace('\u2581', ' ').lstrip()
