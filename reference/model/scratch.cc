#include "reference/model/scratch.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace weft::engine {
namespace {

// The workspace of products with these weights and up to `tokens` tokens.
size_t MatMulBytes(const WeightView& w, const WeightView* gate, size_t tokens, uint32_t workers) {
  ActivationSet x = MakeActivations(nullptr, tokens, w.cols, w.cols, {});
  MatMulArgs args;
  args.x = &x;
  args.w = w;
  args.epilogue.gate = gate;
  return MatMulWorkspaceBytes(args, workers);
}

// Products that are computed together need as much as all of them.
size_t MatMulBytes(const Model& model, const Scratch::Sizes& sizes) {
  const auto bytes_for = [&sizes](const Linear& linear, const WeightView* gate = nullptr) {
    return linear.weight.data != nullptr ? MatMulBytes(linear.weight, gate, sizes.tokens, sizes.workers) : 0;
  };
  size_t bytes = MatMulBytes(model.output.weight, nullptr, sizes.logits, sizes.workers);
  for (const LayerWeights& layer : model.layers) {
    const size_t hidden =
        layer.fuses_gate() ? bytes_for(layer.up, &layer.gate.weight) : bytes_for(layer.gate) + bytes_for(layer.up);
    bytes = std::max({bytes, bytes_for(layer.q) + bytes_for(layer.k) + bytes_for(layer.v),
                      bytes_for(layer.attention_output), hidden, bytes_for(layer.down)});
  }
  return bytes;
}

// The extremes of a batch: one sequence with all its tokens, and as many sequences as tokens.
size_t AttentionBytes(const ModelConfig& config, const Scratch::Sizes& sizes) {
  AttentionArgs args = AttentionShape(config, sizes.backend, sizes.summation);
  AttentionSequence one;
  one.queries = sizes.tokens;
  one.first_position = static_cast<int64_t>(sizes.context) - 1;
  one.kv_length = sizes.context;
  args.sequences = &one;
  args.sequence_count = 1;
  size_t bytes = AttentionWorkspaceBytes(args, sizes.workers);
  one.queries = 1;
  const std::vector<AttentionSequence> many(sizes.tokens, one);
  args.sequences = many.data();
  args.sequence_count = many.size();
  return std::max(bytes, AttentionWorkspaceBytes(args, sizes.workers));
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
