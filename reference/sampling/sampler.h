// Picks the next token from logits.
#ifndef WEFT_REFERENCE_SAMPLING_SAMPLER_H_
#define WEFT_REFERENCE_SAMPLING_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weft::engine {

// The order is: repetition penalty, temperature, top-k, top-p, min-p, draw. Neutral values switch a step off.
struct SamplerOptions {
  float temperature = 0.8f;     // 0: greedy (the first of the largest logits), everything below is ignored
  uint32_t top_k = 40;          // keep the k most probable; 0: all
  float top_p = 0.95f;          // keep the smallest set whose probability reaches p; 1: all
  float min_p = 0.05f;          // drop tokens below min_p * the largest probability; 0: none
  float repeat_penalty = 1.0f;  // divide positive (multiply negative) logits of recent tokens; also applies to greedy
  uint32_t repeat_last = 64;    // how many tokens back "recent" reaches
  uint64_t seed = 0;            // same seed, options and logits: same tokens, on every machine
};

// Allocates nothing after the first Sample of a vocabulary size.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options);
  // The next token; it is remembered for the repetition penalty. A NaN counts as -infinity.
  uint32_t Sample(std::span<const float> logits);
  // Remembers a token that was given, not sampled (the prompt).
  void Accept(uint32_t token);

 private:
  struct Candidate {
    uint32_t token;
    float value;
  };
  uint32_t Largest() const;  // of the candidates; the first of equal ones
  uint32_t Draw();           // everything from the temperature on
  double NextUniform();      // [0, 1), the same sequence everywhere

  SamplerOptions options_;
  uint64_t state_[4];
  std::vector<uint32_t> recent_;
  size_t recent_next_ = 0;
  std::vector<Candidate> candidates_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_SAMPLING_SAMPLER_H_
