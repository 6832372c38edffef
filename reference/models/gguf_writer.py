"""Writes GGUF files, version 3: metadata, then tensors as F32 or Q8_0."""

import struct

import numpy

ALIGNMENT = 32
F32, Q8_0 = 0, 8
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9


def _string(text):
    data = text.encode()
    return struct.pack('<Q', len(data)) + data


def _value(value):
    """The type and the bytes of a value: bool, int (32 bits, unsigned), float, str, or a list of one of these."""
    if isinstance(value, bool):
        return _BOOL, struct.pack('<?', value)
    if isinstance(value, int):
        return _UINT32, struct.pack('<I', value)
    if isinstance(value, float):
        return _FLOAT32, struct.pack('<f', value)
    if isinstance(value, str):
        return _STRING, _string(value)
    if isinstance(value[0], int):  # arrays of integers are signed, as tokenizer.ggml.token_type has to be
        return _ARRAY, struct.pack('<IQ', _INT32, len(value)) + struct.pack(f'<{len(value)}i', *value)
    return _ARRAY, struct.pack('<IQ', _value(value[0])[0], len(value)) + b''.join(_value(v)[1] for v in value)


def q8_0(values):
    """Blocks of 32 weights: d = max|x| / 127 as F16, then 32 times x / d, rounded half away from zero."""
    blocks = numpy.ascontiguousarray(values, numpy.float32).reshape(-1, 32)
    d = numpy.abs(blocks).max(1, keepdims=True) / numpy.float32(127)
    inverse = numpy.divide(numpy.float32(1), d, out=numpy.zeros_like(d), where=d > 0)
    scaled = blocks * inverse
    quants = numpy.trunc(scaled + numpy.copysign(numpy.float32(0.5), scaled)).astype(numpy.int8)
    return numpy.concatenate([d.astype('<f2').view(numpy.int8), quants], 1).tobytes()


def _padded(data):
    return data + b'\0' * (-len(data) % ALIGNMENT)


def write(path, metadata, tensors):
    """`metadata`: dictionary; `tensors`: list of (name, array of numpy.float32, type)."""
    header = b'GGUF' + struct.pack('<IQQ', 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        kind, data = _value(value)
        header += _string(key) + struct.pack('<I', kind) + data
    contents, offset = [], 0
    for name, array, kind in tensors:
        data = q8_0(array) if kind == Q8_0 else numpy.ascontiguousarray(array, '<f4').tobytes()
        header += _string(name) + struct.pack(f'<I{array.ndim}Q', array.ndim, *reversed(array.shape))
        header += struct.pack('<IQ', kind, offset)
        contents.append(_padded(data))
        offset += len(contents[-1])
    with open(path, 'wb') as file:
        file.write(_padded(header))
        file.writelines(contents)
