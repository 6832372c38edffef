// Models whose layers differ.
#ifndef WEFT_TESTS_ENGINE_DIFFERENT_LAYERS_H_
#define WEFT_TESTS_ENGINE_DIFFERENT_LAYERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/engine/test_model.h"

namespace weft::engine::test {

// A model whose layer i is that of a model of shapes[i].
inline TestModel MixedModel(std::vector<TestShape> shapes) {
  TestModel mixed = RandomModel(shapes[0]);
  using Counts = std::vector<uint64_t>;
  Counts heads, kv_heads, head_size, ffn_width;
  for (size_t i = 0; i < shapes.size(); ++i) {
    shapes[i].layers = shapes.size();
    const TestModel model = RandomModel(shapes[i], static_cast<uint32_t>(i));
    const std::string blk = "blk." + std::to_string(i) + ".";
    for (const auto& [name, tensor] : model.tensors) {
      if (name.starts_with(blk)) mixed.tensors[name] = tensor;
    }
    heads.push_back(shapes[i].heads);
    kv_heads.push_back(shapes[i].kv_heads);
    head_size.push_back(shapes[i].head_size);
    ffn_width.push_back(shapes[i].ffn_width);
  }
  mixed.Key("block_count") = uint64_t{shapes.size()};
  mixed.Key("attention.head_count") = heads;
  mixed.Key("attention.head_count_kv") = kv_heads;
  mixed.Key("attention.key_length") = mixed.Key("attention.value_length") = head_size;
  mixed.Key("feed_forward_length") = ffn_width;
  return mixed;
}

// Everything that may differ does: the first layer has the most heads and the second the widest hidden layer; the
// second sees six tokens and turns faster; the third sees one token and does not turn.
inline TestModel DifferentLayers(const std::string& family) {
  const auto shape = [&](uint64_t heads, uint64_t kv_heads, uint64_t head_size, uint64_t ffn_width) {
    return TestShape{
        .architecture = family, .ffn_width = ffn_width, .heads = heads, .kv_heads = kv_heads, .head_size = head_size};
  };
  TestModel model = MixedModel({shape(8, 4, 12, 64), shape(4, 1, 16, 160), shape(6, 6, 8, 32)});
  model.Key("rope.freq_base") = std::vector<float>{10000.0f, 100.0f, 10000.0f};
  model.layers = {{}, {.window = 6}, {.window = 1, .rotates = false}};
  return model;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_DIFFERENT_LAYERS_H_
