// Where the time of forward passes goes.
#ifndef WEFT_REFERENCE_MODEL_PROFILE_H_
#define WEFT_REFERENCE_MODEL_PROFILE_H_

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "weft/weft.h"

namespace weft::engine {

// A kind of operation, and all that was spent on it. Products are told apart by the name and the type of the weights.
struct ProfileEntry {
  std::string_view name;  // static
  bool product = false;
  DType type = DType::kF32;  // of the weights of a product
  double seconds = 0;        // what the activations need to be quantised counts with the first product that reads them
  double macs = 0, bytes = 0;  // of products: multiply-accumulates, and bytes of weights read
};

class Profile {
 public:
  // The entry, made where there is none yet. The pointer is valid until the next call.
  ProfileEntry* Find(std::string_view name) { return Find(name, /*product=*/false, DType::kF32); }
  // The entry of products of `tokens` tokens with these weights (the first one's type stands for all), which are added.
  ProfileEntry* FindProduct(std::string_view name, std::span<const WeightView* const> weights, size_t tokens);

  const std::vector<ProfileEntry>& entries() const { return entries_; }  // in the order of their first use

 private:
  ProfileEntry* Find(std::string_view name, bool product, DType type);
  std::vector<ProfileEntry> entries_;
};

// Adds the time from its construction to its destruction to an entry; does nothing where that is null.
class ProfileTimer {
 public:
  explicit ProfileTimer(ProfileEntry* entry) : entry_(entry) {
    if (entry_ != nullptr) start_ = Clock::now();
  }
  ~ProfileTimer() {
    if (entry_ != nullptr) entry_->seconds += std::chrono::duration<double>(Clock::now() - start_).count();
  }
  ProfileTimer(const ProfileTimer&) = delete;
  ProfileTimer& operator=(const ProfileTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  ProfileEntry* entry_;
  Clock::time_point start_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_PROFILE_H_
