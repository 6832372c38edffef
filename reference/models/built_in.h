// The model that is part of the program: a GGUF file in its read-only data. MODEL_CARD.md tells what it is.
#ifndef WEFT_REFERENCE_MODELS_BUILT_IN_H_
#define WEFT_REFERENCE_MODELS_BUILT_IN_H_

#include <cstdint>
#include <span>

namespace weft::engine {

// The file's bytes, aligned to 64.
std::span<const uint8_t> BuiltInModel();

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODELS_BUILT_IN_H_
