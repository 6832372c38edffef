#include "reference/model/scratch.h"

#include <algorithm>

namespace weft::engine {
namespace {

size_t GateSize(const Model& model, size_t tokens) {
  const bool apart = std::any_of(model.layers.begin(), model.layers.end(),
                                 [](const LayerWeights& layer) { return layer.gated() && !layer.fuses_gate(); });
  return apart ? tokens * model.config.Largest(&LayerConfig::ffn_width) : 0;
}

}  // namespace

Scratch::Scratch(const Model& model, size_t tokens, size_t logit_rows) {
  const ModelConfig& c = model.config;
  x = Buffer<float>(tokens * c.width);
  normed = Buffer<float>(tokens * c.width);
  q = Buffer<float>(tokens * c.Largest(&LayerConfig::q_width));
  k = Buffer<float>(tokens * c.Largest(&LayerConfig::k_width));
  v = Buffer<float>(tokens * c.Largest(&LayerConfig::v_width));
  attended = Buffer<float>(tokens * c.Largest(&LayerConfig::attended_width));
  hidden = Buffer<float>(tokens * c.Largest(&LayerConfig::ffn_width));
  gate = Buffer<float>(GateSize(model, tokens));
  for (const Rotation& rotation : c.rotations) rope.emplace_back(tokens * rotation.frequency.size() * 2);
  logits = Buffer<float>(logit_rows * c.vocabulary);
}

void Scratch::AllocateWorkspaces(const WorkspaceBytes& bytes) {
  activations = Buffer<uint8_t>(bytes.activations);
  matmul = Buffer<uint8_t>(bytes.matmul);
  attention = Buffer<uint8_t>(bytes.attention);
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
