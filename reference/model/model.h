// A model: its configuration and views of its weights, which stay where the file is mapped.
#ifndef WEFT_REFERENCE_MODEL_MODEL_H_
#define WEFT_REFERENCE_MODEL_MODEL_H_

#include <vector>

#include "reference/model/config.h"

namespace weft::engine {

struct LayerWeights {
  const float* attention_norm = nullptr;  // [width]
  WeightView q, k, v;               // [heads * k_size, width], [kv_heads * k_size, width], [kv_heads * v_size, width]
  WeightView attention_output;      // [width, heads * v_size]
  const float* ffn_norm = nullptr;  // [width]
  WeightView gate, up;              // [ffn_width, width]
  WeightView down;                  // [width, ffn_width]
};

struct Model {
  ModelConfig config;
  WeightView embedding;  // [vocabulary, width]
  std::vector<LayerWeights> layers;
  const float* output_norm = nullptr;  // [width]
  WeightView output;                   // [vocabulary, width]; the embedding itself where the file ties them
  size_t weight_bytes = 0;             // of all tensors in use
};

// Checks that every tensor is there with the shape and a type that the configuration asks for; errors name the tensor.
// The model points into the file's bytes.
Result<Model> LoadModel(const Gguf& file);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_MODEL_H_
