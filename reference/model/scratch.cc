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
size_t AttentionBytes(const LayerConfig& layer, const Scratch::Sizes& sizes) {
  AttentionArgs args = AttentionShape(layer, sizes.backend, sizes.summation);
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
  return apart ? tokens * model.config.Largest(&LayerConfig::ffn_width) : 0;
}

}  // namespace

AttentionArgs AttentionShape(const LayerConfig& layer, AttentionBackend backend, Summation summation) {
  AttentionArgs args;
  args.heads = layer.heads;
  args.kv_heads = layer.kv_heads;
  args.k_size = args.q_head_stride = layer.k_size;
  args.v_size = args.out_head_stride = layer.v_size;
  args.q_token_stride = layer.q_width();
  args.out_token_stride = layer.attended_width();
  args.scale = layer.attention_scale;
  args.window = layer.window;
  args.backend = backend;
  args.summation = summation;
  return args;
}

Scratch::Scratch(const Model& model, const Sizes& sizes) {
  const ModelConfig& c = model.config;
  const size_t tokens = sizes.tokens;
  x = Buffer<float>(tokens * c.width);
  normed = Buffer<float>(tokens * c.width);
  q = Buffer<float>(tokens * c.Largest(&LayerConfig::q_width));
  k = Buffer<float>(tokens * c.Largest(&LayerConfig::k_width));
  v = Buffer<float>(tokens * c.Largest(&LayerConfig::v_width));
  attended = Buffer<float>(tokens * c.Largest(&LayerConfig::attended_width));
  hidden = Buffer<float>(tokens * c.Largest(&LayerConfig::ffn_width));
  gate = Buffer<float>(GateSize(model, tokens));
  for (const Rotation& rotation : c.rotations) rope.emplace_back(tokens * rotation.frequency.size() * 2);
  logits = Buffer<float>(sizes.logits * c.vocabulary);
  const size_t widest =
      std::max({c.width, c.Largest(&LayerConfig::attended_width), c.Largest(&LayerConfig::ffn_width)});
  activations = Buffer<uint8_t>(ActivationBytes(tokens, widest));
  matmul = Buffer<uint8_t>(MatMulBytes(model, sizes));
  size_t attention_bytes = 0;
  for (const LayerConfig& layer : c.layers) attention_bytes = std::max(attention_bytes, AttentionBytes(layer, sizes));
  attention = Buffer<uint8_t>(attention_bytes);
}

size_t Scratch::bytes() const {
  size_t bytes = 0;
  for (const Buffer<float>* b : {&x, &normed, &q, &k, &v, &attended, &hidden, &gate, &logits}) {
    bytes += b->bytes();
  }
  for (const Buffer<float>& table : rope) bytes += table.bytes();
  return bytes + activations.bytes() + matmul.bytes() + attention.bytes();
}

}  // namespace weft::engine
