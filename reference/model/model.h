// A model: its configuration and views of its weights, which stay where the file is mapped.
#ifndef WEFT_REFERENCE_MODEL_MODEL_H_
#define WEFT_REFERENCE_MODEL_MODEL_H_

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "reference/model/config.h"

namespace weft::engine {

// The gain and offset of a normalisation, a number for each element of what is normalised.
struct NormWeights {
  const float* weight = nullptr;  // null: there is no such normalisation
  const float* bias = nullptr;    // null: none
};

struct Linear {
  std::string_view name;        // of the tensor, without "blk.N." and ".weight"; static
  WeightView weight;            // [outputs, inputs]
  const float* bias = nullptr;  // [outputs]; null: none
};

// What a layer has not is empty, and the forward pass does without.
struct LayerWeights {
  NormWeights attention_norm;
  Linear q, k, v;              // [q_width, width], [k_width, width], [v_width, width]
  NormWeights q_norm, k_norm;  // [k_size], of every head by itself
  Linear attention_output;     // [width, attended_width]
  NormWeights ffn_norm;
  Linear gate, up;  // [ffn_width, width]
  Linear down;      // [width, ffn_width]

  // Everything that is multiplied with; weights that the layer has not are empty.
  std::array<const Linear*, 7> products() const { return {&q, &k, &v, &attention_output, &gate, &up, &down}; }
  bool gated() const { return gate.weight.data != nullptr; }
  // A product and its gate are one call where they share a format.
  bool fuses_gate() const { return gated() && gate.weight.type == up.weight.type; }
};

struct Model {
  ModelConfig config;
  WeightView embedding;  // [vocabulary, width]
  WeightView positions;  // [context, width]; empty where positions are not learned
  std::vector<LayerWeights> layers;
  NormWeights output_norm;
  Linear output;            // [vocabulary, width]; the embedding itself where the file ties them
  size_t weight_bytes = 0;  // of all tensors in use
  size_t shards = 1;        // how many the model is split into, of which this is one (split.h)

  // Vectors that could not be used where they lie: not in F32.
  std::vector<std::unique_ptr<float[]>> owned;
};

// Checks that every tensor is there with the shape and a type that the configuration asks for, and that the file holds
// no tensor that would go unused; errors name the tensor. The model points into the file's bytes.
Result<Model> LoadModel(const Gguf& file);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_MODEL_H_
