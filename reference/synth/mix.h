// Which tensor of a model gets which format.
#ifndef WEFT_REFERENCE_SYNTH_MIX_H_
#define WEFT_REFERENCE_SYNTH_MIX_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weft/weft.h"

namespace weft::engine {

struct MixRule {
  std::string_view tensor;  // "output.weight" is the embedding where that is the output
  bool some_layers;         // only in the first eighth of the layers, the last, and every third between
  DType type;
};

// A format for the matrices, and those that get another.
struct Mix {
  std::string_view name;
  DType type;
  std::span<const MixRule> rules;

  // The type of the matrix `tensor` (without "blk.N."). `layer` and `layers` do not matter outside the layers.
  DType TypeOf(std::string_view tensor, size_t layer, size_t layers) const;
};

// The mix called `name`, in upper or lower case: one like llama.cpp's, or the name of any format, which then all
// matrices get. Only where all of its formats have kernels.
std::optional<Mix> FindMix(std::string_view name);
// All that FindMix finds, separated by commas.
std::string MixNames();

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_SYNTH_MIX_H_
