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

bool MoreProbable(const Candidate& a, const Candidate& b) {
  return a.weight > b.weight || (a.weight == b.weight && a.token < b.token);
}

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

Result<void> Sampler::SetLogits(std::span<const float> logits, const TokenMask* mask) {
  if (logits.empty()) return Error{ErrorKind::kBadArgument, "there are no logits to choose a token from"};
  allowed_ = logits.size();
  if (mask != nullptr) {
    allowed_ = 0;
    for (uint32_t token = 0; token < logits.size(); ++token) allowed_ += mask->Allows(token) ? 1 : 0;
    if (allowed_ == 0) return Error{ErrorKind::kBadArgument, "the mask leaves no token to choose"};
  }
  candidates_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) candidates_[i] = {static_cast<uint32_t>(i), WithoutNan(logits[i])};
  for (const uint32_t token : recent_) {
    if (token >= logits.size()) continue;
    // From the original logit, so that a token that occurred twice is penalised once.
    const float logit = WithoutNan(logits[token]);
    candidates_[token].weight = logit > 0 ? logit / options_.repeat_penalty : logit * options_.repeat_penalty;
  }
  if (mask != nullptr) std::erase_if(candidates_, [&](const Candidate& c) { return !mask->Allows(c.token); });
  if (options_.temperature > 0) {
    KeepTopK();
    Weigh();
    if (options_.top_p < 1.0f) KeepTopP();
    if (options_.min_p > 0.0f) KeepMinP();
  } else {
    KeepLargest();
  }
  return {};
}

double Sampler::Probability(uint32_t token) const {
  const auto found = std::ranges::find(candidates_, token, &Candidate::token);
  return found == candidates_.end() ? 0.0 : Probability(*found);
}

void Sampler::KeepLargest() {
  candidates_.front() = {std::ranges::max_element(candidates_, {}, &Candidate::weight)->token, 1.0f};
  candidates_.resize(1);
  total_ = 1.0;
}

// From here on the candidates are in an order that depends on their values and tokens only, not on the algorithms of
// this standard library: descending after top-k or top-p, else by token.
void Sampler::KeepTopK() {
  if (!sorts()) return;
  const auto kept = candidates_.begin() + static_cast<ptrdiff_t>(options_.top_k);
  std::nth_element(candidates_.begin(), kept - 1, candidates_.end(), MoreProbable);
  candidates_.erase(kept, candidates_.end());
  std::ranges::sort(candidates_, MoreProbable);
}

// Probabilities up to a factor: the largest is 1. Rounded to float, so that another system's exp, which may differ
// in a double's last bit, gives the same.
void Sampler::Weigh() {
  const float largest = std::ranges::min_element(candidates_, MoreProbable)->weight;
  for (Candidate& c : candidates_) {
    const double x = c.weight == largest ? 0.0 : (static_cast<double>(c.weight) - largest) / options_.temperature;
    c.weight = static_cast<float>(std::exp(x));
  }
  SetTotal();
}

void Sampler::SetTotal() {
  total_ = 0;
  for (const Candidate& c : candidates_) total_ += c.weight;
}

// Only as many as are kept need to be sorted: a heap gives them in descending order, at the end of the range.
void Sampler::KeepTopP() {
  const double wanted = total_ * options_.top_p;
  const auto begin = candidates_.begin(), end = candidates_.end();
  total_ = 0;
  if (sorts()) {
    auto kept = begin;
    do total_ += (kept++)->weight;
    while (kept != end && total_ < wanted);
    candidates_.erase(kept, end);
    return;
  }
  const auto less_probable = [](const Candidate& a, const Candidate& b) { return MoreProbable(b, a); };
  std::make_heap(begin, end, less_probable);
  auto kept = end;
  do {
    std::pop_heap(begin, kept, less_probable);
    total_ += (--kept)->weight;
  } while (kept != begin && total_ < wanted);
  std::reverse(kept, end);
  candidates_.erase(begin, kept);
}

void Sampler::KeepMinP() {
  const float least = std::min(options_.min_p, 1.0f);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < least; });
  SetTotal();
}

// Ends before the last candidate unless rounding is at work; a candidate of probability zero is never chosen.
uint32_t Sampler::Draw() {
  const double drawn = NextUniform() * total_;
  double sum = 0;
  uint32_t chosen = candidates_.front().token;
  for (auto c = candidates_.begin(); c != candidates_.end() && !(drawn < sum); ++c) {
    if (c->weight > 0) chosen = c->token;
    sum += c->weight;
  }
  Accept(chosen);
  return chosen;
}

}  // namespace weft::engine
