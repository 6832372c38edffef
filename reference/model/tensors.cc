#include "reference/model/tensors.h"

namespace weft::engine {

TensorShape ShapeOf(const ModelConfig& c, std::string_view name, size_t layer) {
  const LayerConfig& l = c.layers[layer];
  const size_t q = l.q_width(), k = l.k_width(), v = l.v_width();
  const struct {
    std::string_view base;
    TensorShape shape;
  } shapes[] = {
      {"token_embd", {.rows = c.vocabulary, .cols = c.width, .in_layer = false, .may_be_more = true}},
      {"position_embd", {.rows = c.context, .cols = c.width, .in_layer = false}},
      {"output_norm", {.cols = c.width, .in_layer = false}},
      {"output", {.rows = c.vocabulary, .cols = c.width, .in_layer = false, .may_be_more = true}},
      {"attn_norm", {.cols = c.width}},
      {"attn_qkv", {.rows = q + k + v, .cols = c.width}},
      {"attn_q", {.rows = q, .cols = c.width}},
      {"attn_k", {.rows = k, .cols = c.width}},
      {"attn_v", {.rows = v, .cols = c.width}},
      {"attn_q_norm", {.cols = l.k_size}},
      {"attn_k_norm", {.cols = l.k_size}},
      {"attn_output", {.rows = c.width, .cols = l.attended_width()}},
      {"ffn_norm", {.cols = c.width}},
      {"ffn_gate", {.rows = l.ffn_width, .cols = c.width}},
      {"ffn_up", {.rows = l.ffn_width, .cols = c.width}},
      {"ffn_down", {.rows = c.width, .cols = l.ffn_width}},
  };
  const std::string_view base = name.substr(0, name.rfind('.'));
  for (const auto& [known, shape] : shapes) {
    if (known != base) continue;
    // A bias has a number for each row of a matrix, or as many as the vector that it belongs to.
    if (!name.ends_with(".bias") || shape.rows == 0) return shape;
    return {.rows = 0, .cols = shape.rows, .in_layer = shape.in_layer, .may_be_more = shape.may_be_more};
  }
  return {};
}

std::string TensorName(std::string_view name, const TensorShape& shape, size_t layer) {
  return (shape.in_layer ? "blk." + std::to_string(layer) + "." : std::string()) + std::string(name);
}

std::vector<ModelTensor> RequiredTensors(const ModelConfig& config) {
  std::vector<ModelTensor> all;
  for (const std::string_view name : config.tensors) all.push_back({name, 0, ShapeOf(config, name)});
  for (size_t layer = 0; layer < config.layers.size(); ++layer) {
    for (const std::string_view name : config.layers[layer].tensors) {
      all.push_back({name, layer, ShapeOf(config, name, layer)});
    }
  }
  return all;
}

}  // namespace weft::engine
