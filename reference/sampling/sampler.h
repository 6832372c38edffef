// Picks the next token from logits.
#ifndef WEFT_REFERENCE_SAMPLING_SAMPLER_H_
#define WEFT_REFERENCE_SAMPLING_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reference/base/result.h"
#include "reference/sampling/token_mask.h"

namespace weft::engine {

// The order is: mask, repetition penalty, temperature, top-k, top-p, min-p, draw. Neutral values switch a step off.
struct SamplerOptions {
  float temperature = 0.8f;     // 0: greedy (the first of the largest logits), everything below is ignored
  uint32_t top_k = 40;          // keep the k most probable; 0: all
  float top_p = 0.95f;          // keep the smallest set whose probability reaches p; 1: all
  float min_p = 0.05f;          // drop tokens below min_p * the largest probability; 0: none
  float repeat_penalty = 1.0f;  // divide positive (multiply negative) logits of recent tokens; also applies to greedy
  uint32_t repeat_last = 64;    // how many tokens back "recent" reaches
  uint64_t seed = 0;            // same seed, options and logits: same tokens, on every machine
};

// A token that may be drawn.
struct Candidate {
  uint32_t token;
  float weight;  // its probability divided by that of the most probable token
};

// Makes a distribution of logits and draws from it. Allocates nothing after the first logits of a vocabulary size.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options);

  // Takes all steps but the draw. A NaN counts as -infinity. Errors (nothing changes): no logits, a mask that allows
  // none of their tokens.
  Result<void> SetLogits(std::span<const float> logits, const TokenMask* mask = nullptr);
  // The distribution: in descending order after top-k or top-p, else by token. A greedy sampler's is one token.
  std::span<const Candidate> candidates() const { return candidates_; }
  double Probability(const Candidate& candidate) const { return candidate.weight / total_; }
  double Probability(uint32_t token) const;  // 0: it cannot be drawn
  // A token of the distribution, which must have been made; it is remembered for the repetition penalty.
  uint32_t Draw();

  // Both; without logits, 0.
  uint32_t Sample(std::span<const float> logits) { return SetLogits(logits).ok() ? Draw() : 0; }
  // Remembers a token that was given, not drawn (the prompt).
  void Accept(uint32_t token);

 private:
  void KeepLargest();  // the first of equal ones
  void KeepTopK();
  void Weigh();
  void KeepTopP();
  void KeepMinP();
  void SetTotal();
  bool sorts() const { return options_.top_k > 0 && options_.top_k < allowed_; }
  double NextUniform();  // [0, 1), the same sequence everywhere

  SamplerOptions options_;
  uint64_t state_[4];
  std::vector<uint32_t> recent_;
  size_t recent_next_ = 0;
  std::vector<Candidate> candidates_;  // their weights are logits at first
  size_t allowed_ = 0;                 // by the mask
  double total_ = 0;                   // of the weights
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_SAMPLING_SAMPLER_H_
