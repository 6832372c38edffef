// The tensors of a model: their names in a GGUF file and their shapes.
#ifndef WEFT_REFERENCE_MODEL_TENSORS_H_
#define WEFT_REFERENCE_MODEL_TENSORS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reference/model/config.h"

namespace weft::engine {

// [rows, cols]; a vector has no rows.
struct TensorShape {
  size_t rows = 0, cols = 0;
  bool in_layer = true;      // one per layer, called "blk.N." and its name
  bool may_be_more = false;  // rows behind those of the vocabulary, which belong to no token and are not used
};

// The shape of the tensor `name` (e.g. "attn_q.weight" or "attn_q.bias") of a layer, or of one around the layers
// (`layer` is any then), in a model of this configuration. `name` must be one that a family of models or the loader
// names; others have no columns.
TensorShape ShapeOf(const ModelConfig& config, std::string_view name, size_t layer = 0);

// "blk.N.attn_q.weight" of layer N; the name itself where there is one for all layers.
std::string TensorName(std::string_view name, const TensorShape& shape, size_t layer);

struct ModelTensor {
  std::string_view name;  // without "blk.N."; static
  size_t layer = 0;       // where shape.in_layer
  TensorShape shape;
};

// All tensors that a file of this configuration must hold: those around the layers, then layer by layer.
std::vector<ModelTensor> RequiredTensors(const ModelConfig& config);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_TENSORS_H_
