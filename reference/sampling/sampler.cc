#include "reference/sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace weft::engine {
namespace {

// Spreads a seed over the generator's state.
uint64_t SplitMix64(uint64_t* state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

uint64_t RotateLeft(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

float WithoutNan(float logit) { return std::isnan(logit) ? -std::numeric_limits<float>::infinity() : logit; }

}  // namespace

Sampler::Sampler(const SamplerOptions& options) : options_(options) {
  uint64_t seed = options.seed;
  for (uint64_t& word : state_) word = SplitMix64(&seed);
  if (options_.repeat_penalty != 1.0f) recent_.reserve(options_.repeat_last);
}

// xoshiro256**, the upper 53 bits.
double Sampler::NextUniform() {
  const uint64_t result = RotateLeft(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = RotateLeft(state_[3], 45);
  return static_cast<double>(result >> 11) * 0x1.0p-53;
}

void Sampler::Accept(uint32_t token) {
  if (options_.repeat_penalty == 1.0f || options_.repeat_last == 0) return;
  if (recent_.size() < options_.repeat_last) {
    recent_.push_back(token);
  } else {
    recent_[recent_next_] = token;
    recent_next_ = (recent_next_ + 1) % recent_.size();
  }
}

uint32_t Sampler::Sample(std::span<const float> logits) {
  if (logits.empty()) return 0;
  candidates_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) candidates_[i] = {static_cast<uint32_t>(i), WithoutNan(logits[i])};
  for (const uint32_t token : recent_) {
    if (token >= logits.size()) continue;
    // From the original logit, so that a token that occurred twice is penalised once.
    const float logit = WithoutNan(logits[token]);
    candidates_[token].value = logit > 0 ? logit / options_.repeat_penalty : logit * options_.repeat_penalty;
  }
  const uint32_t token = options_.temperature > 0 ? Draw() : Largest();
  Accept(token);
  return token;
}

uint32_t Sampler::Largest() const {
  return std::max_element(candidates_.begin(), candidates_.end(),
                          [](const Candidate& a, const Candidate& b) { return a.value < b.value; })
      ->token;
}

uint32_t Sampler::Draw() {
  const auto more_probable = [](const Candidate& a, const Candidate& b) {
    return a.value > b.value || (a.value == b.value && a.token < b.token);
  };
  const auto begin = candidates_.begin();
  auto end = candidates_.end();
  // From here on the candidates are in an order that depends on their values and tokens only, not on the algorithms of
  // this standard library: descending after top-k or top-p, else by token.
  const size_t k = options_.top_k;
  const bool sorted = k > 0 && k < candidates_.size();
  if (sorted) {
    std::nth_element(begin, begin + static_cast<ptrdiff_t>(k - 1), end, more_probable);
    end = begin + static_cast<ptrdiff_t>(k);
    std::sort(begin, end, more_probable);
  }

  // Probabilities up to a factor: the largest is 1. Rounded to float, so that another system's exp, which may differ
  // in a double's last bit, gives the same.
  const float largest = std::min_element(begin, end, more_probable)->value;
  double total = 0;
  for (auto c = begin; c != end; ++c) {
    const double x = c->value == largest ? 0.0 : (static_cast<double>(c->value) - largest) / options_.temperature;
    c->value = static_cast<float>(std::exp(x));
    total += c->value;
  }

  if (options_.top_p < 1.0f) {
    // Only as many as are kept need to be sorted: a heap gives them in descending order, at the end of the range.
    const double wanted = total * options_.top_p;
    const auto less_probable = [&](const Candidate& a, const Candidate& b) { return more_probable(b, a); };
    if (!sorted) std::make_heap(begin, end, less_probable);
    total = 0;
    auto kept = end;
    if (sorted) {
      kept = begin;
      do total += (kept++)->value;
      while (kept != end && total < wanted);
      end = kept;
    } else {
      do {
        std::pop_heap(begin, kept, less_probable);
        total += (--kept)->value;
      } while (kept != begin && total < wanted);
      std::reverse(kept, end);
      end = std::move(kept, end, begin);
    }
  }

  if (options_.min_p > 0.0f) {
    const float least = std::min(options_.min_p, 1.0f);
    end = std::remove_if(begin, end, [&](const Candidate& c) { return c.value < least; });
    total = 0;
    for (auto c = begin; c != end; ++c) total += c->value;
  }

  // Ends before the last candidate unless rounding is at work; a candidate of probability zero is never chosen.
  const double drawn = NextUniform() * total;
  double sum = 0;
  auto chosen = begin;
  for (auto c = begin; c != end && !(drawn < sum); ++c) {
    if (c->value > 0) chosen = c;
    sum += c->value;
  }
  return chosen->token;
}

}  // namespace weft::engine
