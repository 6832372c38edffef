"""A small Llama in PyTorch: RMSNorm, grouped-query attention with interleaved RoPE, SwiGLU, tied embedding."""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass
class Shape:
    vocabulary: int
    width: int = 256
    blocks: int = 4
    heads: int = 8
    kv_heads: int = 4
    feed_forward: int = 768
    context: int = 512
    epsilon: float = 1e-5
    rope_base: float = 10000.0

    @property
    def head_size(self):
        return self.width // self.heads


class RmsNorm(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(shape.width)), shape.epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_size
        self.attn_norm, self.ffn_norm = RmsNorm(shape), RmsNorm(shape)
        self.attn_q = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_k = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_v = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x, cos, sin, mask):
        x = x + self.attention(self.attn_norm(x), cos, sin, mask)
        h = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))

    def attention(self, x, cos, sin, mask):
        s, (batch, length, _) = self.shape, x.shape
        group = s.heads // s.kv_heads
        q = rotate(self.attn_q(x).view(batch, length, s.heads, s.head_size), cos, sin)
        k = rotate(self.attn_k(x).view(batch, length, s.kv_heads, s.head_size), cos, sin)
        v = self.attn_v(x).view(batch, length, s.kv_heads, s.head_size)
        # The queries that share a key and value head are rows of one product: head h uses key head h / group.
        q = q.view(batch, length, s.kv_heads, group, s.head_size).permute(0, 2, 3, 1, 4)
        q = q.reshape(batch * s.kv_heads, group * length, s.head_size)
        k = k.permute(0, 2, 3, 1).reshape(batch * s.kv_heads, s.head_size, length)
        v = v.permute(0, 2, 1, 3).reshape(batch * s.kv_heads, length, s.head_size)
        scores = torch.baddbmm(mask.repeat(group, 1), q, k, alpha=1 / math.sqrt(s.head_size))
        mixed = torch.bmm(torch.softmax(scores, -1), v)
        mixed = mixed.view(batch, s.kv_heads, group, length, s.head_size).permute(0, 3, 1, 2, 4)
        return self.attn_output(mixed.reshape(batch, length, s.width))


def rotate(x, cos, sin):
    """RoPE on neighbouring pairs, as GGUF's llama has it: no permutation is needed when the file is written."""
    pairs = x.view(*x.shape[:-1], -1, 2)
    a, b = pairs[..., 0], pairs[..., 1]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).view(x.shape)


class Llama(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.blocks))
        self.output_norm = RmsNorm(shape)
        self.initialize()

    @torch.no_grad()
    def initialize(self):
        """The start decides how soon the model learns to copy a name from the first sentence. Embeddings are large,
        so that what a token is does not drown in the sums of the blocks (the last norm makes up for it in the
        logits), and an attention output begins as the transpose of its values: what is looked at becomes likelier."""
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.6 / math.sqrt(parameter.shape[1]))
        nn.init.normal_(self.token_embd.weight, std=0.5)
        self.output_norm.weight.fill_(0.05)
        size, group = self.shape.head_size, self.shape.heads // self.shape.kv_heads
        for block in self.blk:
            values = block.attn_v.weight.view(self.shape.kv_heads, size, self.shape.width)
            output = values.repeat_interleave(group, 0).reshape(-1, self.shape.width).T
            block.attn_output.weight.copy_(output / group)
            block.ffn_down.weight.mul_(1 / math.sqrt(2 * self.shape.blocks))

    def forward(self, ids):
        length = ids.shape[1]
        size = self.shape.head_size
        frequencies = self.shape.rope_base ** (-torch.arange(0, size, 2).double() / size)
        angles = torch.arange(length).double()[:, None] * frequencies
        cos, sin = torch.cos(angles).float()[:, None], torch.sin(angles).float()[:, None]
        mask = torch.full((length, length), -math.inf).triu(1)
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x, cos, sin, mask)
        return functional.linear(self.output_norm(x), self.token_embd.weight)
