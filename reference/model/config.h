// What distinguishes one transformer from another, as data. A table per architecture (config.cc) fills it from a GGUF
// file's metadata; transformer.cc reads nothing else.
#ifndef WEFT_REFERENCE_MODEL_CONFIG_H_
#define WEFT_REFERENCE_MODEL_CONFIG_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/base/result.h"
#include "reference/gguf/gguf.h"
#include "weft/weft.h"

namespace weft::engine {

// The largest model that is believed, far beyond any that exists: files that claim more are broken. Products of two of
// them fit in 64 bits with room to spare.
inline constexpr uint64_t kMaxLayers = 1024;
inline constexpr uint64_t kMaxWidth = 1 << 20;  // of any vector: residual stream, hidden layer, all heads together
inline constexpr uint64_t kMaxHeads = 4096;
inline constexpr uint64_t kMaxHeadSize = 4096;
inline constexpr uint64_t kMaxVocabulary = 1 << 24;
inline constexpr uint64_t kMaxContext = 1 << 30;  // positions are int32

// Names of tensors that a file must hold, without "blk.N."; static.
using TensorNames = std::span<const std::string_view>;
inline bool Contains(TensorNames names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

// How far the heads of queries and keys turn per position.
struct Rotation {
  std::vector<float> frequency;  // radians per position, one per rotated pair; not empty
  float magnitude = 1.0f;        // what turned elements are multiplied by
};

// What may differ between the layers of a model.
struct LayerConfig {
  TensorNames tensors;  // they say also which norms there are, and whether the hidden layer has a gate
  size_t heads = 0, kv_heads = 0;
  size_t k_size = 0, v_size = 0;   // per head
  float attention_scale = 0.0f;    // of scores
  size_t window = 0;               // the latest positions that a token sees, its own among them; 0: all
  std::optional<size_t> rotation;  // the place in ModelConfig::rotations; none: heads do not turn
  size_t ffn_width = 0;            // of the hidden layer between two residuals

  size_t q_width() const { return heads * k_size; }
  size_t k_width() const { return kv_heads * k_size; }
  size_t v_width() const { return kv_heads * v_size; }
  size_t attended_width() const { return heads * v_size; }
  bool Needs(std::string_view tensor) const { return Contains(tensors, tensor); }
};

struct ModelConfig {
  std::string architecture;
  TensorNames tensors;  // around the layers
  std::vector<LayerConfig> layers;
  size_t width = 0;  // of the residual stream
  size_t vocabulary = 0;
  size_t context = 0;  // the length the model was trained for

  NormKind norm = NormKind::kRms;
  float norm_epsilon = 1e-5f;
  Activation activation = Activation::kSilu;

  bool learned_positions = false;  // an embedding per position of `context`, added to the token's
  RopeKind rope = RopeKind::kInterleaved;
  std::vector<Rotation> rotations;  // all different; layers that turn alike share one

  float embedding_scale = 1.0f;
  float residual_scale = 1.0f;
  float logit_scale = 1.0f;  // the logits are multiplied by it

  // The largest of a size over all layers, e.g. of &LayerConfig::q_width.
  template <class Member>
  size_t Largest(Member member) const {
    return layers.empty() ? 0 : std::invoke(member, std::ranges::max(layers, {}, member));
  }
};

// Refuses what CheckIsModel (file_role.h) refuses. A number may be given once per layer: where it is one of
// LayerConfig, each layer has its own, else all must be equal. Every hyperparameter is checked (nothing zero that
// divides, products in 64 bits, heads a multiple of kv_heads, ...). Errors name the file and the key; an unknown
// architecture's error lists the known ones.
Result<ModelConfig> ReadConfig(const Gguf& file);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_CONFIG_H_
