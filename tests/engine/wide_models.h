// Models that every format and every family of models fits, in memory.
#ifndef WEFT_TESTS_ENGINE_WIDE_MODELS_H_
#define WEFT_TESTS_ENGINE_WIDE_MODELS_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/engine/each_target.h"
#include "tests/engine/reference_model.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {

inline constexpr DType kWideTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ8_0,
                                       DType::kQ4_0, DType::kQ4_K, DType::kQ6_K};

// Large enough for every format and for several tasks in every operation.
inline TestShape WideShape(DType type) {
  return {.layers = 1, .width = 256, .ffn_width = 512, .vocabulary = 80, .head_size = 64, .type = type};
}
inline TestModel WideLlama(DType type) { return RandomLlama(WideShape(type)); }

// Llama in every format, and the other families in two.
inline std::vector<std::pair<std::string, TestModel>> WideModels() {
  std::vector<std::pair<std::string, TestModel>> models;
  for (const DType type : kWideTypes) models.emplace_back(std::string("llama ") + Name(type), WideLlama(type));
  for (const std::string& family : kFamilies) {
    for (const DType type : {DType::kF32, DType::kQ8_0}) {
      if (family == "llama") continue;
      models.emplace_back(family + " " + Name(type), RandomModel(ShapeOf(family, WideShape(type))));
    }
  }
  return models;
}

// Calls test(name, loaded model) for these: Llama on every target; the other families, whose operations the kernels'
// own tests try on every target, on the best one.
template <class F>
void ForEachWideModel(const F& test) {
  for (const auto& [name, file] : WideModels()) {
    const LoadedModel loaded(file);
    if (name.starts_with("llama ")) {
      ForEachTarget([&](const std::string&) { test(name, loaded); });
    } else {
      test(name, loaded);
    }
  }
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_WIDE_MODELS_H_
