// The rotation frequencies of rotary position embeddings, with the ways models stretch them to longer contexts.
#ifndef WEFT_REFERENCE_MODEL_ROPE_FREQUENCIES_H_
#define WEFT_REFERENCE_MODEL_ROPE_FREQUENCIES_H_

#include <cstddef>
#include <span>
#include <vector>

#include "reference/gguf/gguf.h"
#include "reference/model/config.h"
#include "reference/model/key_reader.h"

namespace weft::engine {

// Pair i of `pairs` turns by f[i] per position:
//   e[i] = base^(-i / pairs) / factors[i]                  factors: 1 where there are none
//   kLinear: f[i] = e[i] / factor                          positions squeezed together
//   kYarn:   f[i] = e[i] * (keep[i] + (1 - keep[i]) / factor)
//     pairs that turn more than `beta_fast` times within the original context keep their frequency, those that turn
//     less than `beta_slow` times are squeezed, with a linear ramp between:
//       at(turns) = pairs * ln(original_context / (2 pi turns)) / ln(base)         the pair that turns so often
//       keep[i] = 1 - clamp((i - low) / (high - low)), low = floor(at(beta_fast)), high = ceil(at(beta_slow))
//     and scores grow: magnitude = 1 + 0.1 ln(factor)
struct RopeScaling {
  enum class Kind { kNone, kLinear, kYarn } kind = Kind::kNone;
  double factor = 1.0;
  double original_context = 0.0;
  double beta_fast = 32.0, beta_slow = 1.0;
};

std::vector<float> RopeFrequencies(size_t pairs, double base, const RopeScaling& scaling,
                                   std::span<const float> factors);
double RopeMagnitude(const RopeScaling& scaling);

// Fills config->rotations and every layer's `rotation` from the keys rope.* and the tensor rope_freqs.weight (`factors`
// above). The number of elements that turn (rope.dimension_count) and the base (rope.freq_base) may differ between
// layers. Needs k_size of all layers and the context. Errors are kept in `keys`.
void ReadRope(const Gguf& file, KeyReader& keys, ModelConfig* config);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_ROPE_FREQUENCIES_H_
