#include "reference/model/scratch.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace weft::engine {
namespace {

// The workspace of the largest call: products that are computed together share x.
size_t MatMulBytes(const Model& model, const Scratch::Sizes& sizes) {
  size_t bytes = 0;
  const auto add = [&](size_t tokens, std::initializer_list<const Linear*> products, bool gated = false) {
    std::vector<MatMulShape> shapes;
    for (const Linear* linear : products) {
      const WeightView& w = linear->weight;
      if (w.data == nullptr) continue;
      shapes.push_back({.type = w.type, .rows = w.rows, .cols = w.cols, .tokens = tokens, .gated = gated, .input = 1});
    }
    bytes = std::max(bytes, MatMulWorkspaceBytes(shapes.data(), shapes.size(), sizes.workers));
  };
  add(sizes.logits, {&model.output});
  for (const LayerWeights& layer : model.layers) {
    add(sizes.tokens, {&layer.q, &layer.k, &layer.v});
    add(sizes.tokens, {&layer.attention_output});
    if (layer.fuses_gate()) {
      add(sizes.tokens, {&layer.up}, true);
    } else {
      add(sizes.tokens, {&layer.gate, &layer.up});
    }
    add(sizes.tokens, {&layer.down});
  }
  return bytes;
}

size_t AttentionBytes(const ModelConfig& c, const Scratch::Sizes& sizes) {
  const weft::AttentionShape shape{.heads = c.heads,
                                   .kv_heads = c.kv_heads,
                                   .k_size = c.k_size,
                                   .v_size = c.v_size,
                                   .kv_length = sizes.context,
                                   .backend = sizes.backend};
  return AttentionWorkspaceBytes(shape, sizes.workers);
}

size_t GateSize(const Model& model, size_t tokens) {
  const bool apart = std::any_of(model.layers.begin(), model.layers.end(),
                                 [](const LayerWeights& layer) { return layer.gated() && !layer.fuses_gate(); });
  return apart ? tokens * model.config.ffn_width : 0;
}

}  // namespace

AttentionArgs AttentionShape(const ModelConfig& config, AttentionBackend backend, Summation summation) {
  AttentionArgs args;
  args.heads = config.heads;
  args.kv_heads = config.kv_heads;
  args.k_size = args.q_head_stride = config.k_size;
  args.v_size = args.out_head_stride = config.v_size;
  args.q_token_stride = config.heads * config.k_size;
  args.out_token_stride = config.heads * config.v_size;
  args.scale = config.attention_scale;
  args.backend = backend;
  args.summation = summation;
  return args;
}

Scratch::Scratch(const Model& model, const Sizes& sizes) {
  const ModelConfig& c = model.config;
  const size_t tokens = sizes.tokens;
  x = Buffer<float>(tokens * c.width);
  normed = Buffer<float>(tokens * c.width);
  q = Buffer<float>(tokens * c.heads * c.k_size);
  k = Buffer<float>(tokens * c.kv_heads * c.k_size);
  v = Buffer<float>(tokens * c.kv_heads * c.v_size);
  attended = Buffer<float>(tokens * c.heads * c.v_size);
  hidden = Buffer<float>(tokens * c.ffn_width);
  gate = Buffer<float>(GateSize(model, tokens));
  rope = Buffer<float>(tokens * c.rope_frequency.size() * 2);
  logits = Buffer<float>(sizes.logits * c.vocabulary);
  const size_t widest = std::max({c.width, c.heads * c.v_size, c.ffn_width});
  activations = Buffer<uint8_t>(ActivationBytes(tokens, widest));
  matmul = Buffer<uint8_t>(MatMulBytes(model, sizes));
  attention = Buffer<uint8_t>(AttentionBytes(c, sizes));
}

size_t Scratch::bytes() const {
  size_t bytes = 0;
  for (const Buffer<float>* b : {&x, &normed, &q, &k, &v, &attended, &hidden, &gate, &rope, &logits}) {
    bytes += b->bytes();
  }
  return bytes + activations.bytes() + matmul.bytes() + attention.bytes();
}

}  // namespace weft::engine
