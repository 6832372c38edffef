// A format whose constants a test chooses, so that it can choose wrong ones.
#ifndef WEFT_TESTS_REFUSED_FORMATS_PROBE_H_
#define WEFT_TESTS_REFUSED_FORMATS_PROBE_H_

#include <weft/formats/format.h>

#include <stddef.h>
#include <stdint.h>

namespace probe {

using weft::DType;

template <DType type, size_t group, int zero, int max_code, bool has_offset, bool integer_factors>
struct Format {
  struct Block {
    uint8_t bytes[weft::LayoutOf(type).block_bytes];
  };
  static constexpr DType kType = type;
  static constexpr size_t kGroup = group;
  static constexpr int kZero = zero;
  static constexpr int kMaxCode = max_code;
  static constexpr bool kHasOffset = has_offset;
  static constexpr bool kIntegerFactors = integer_factors;
};

}  // namespace probe

#endif  // WEFT_TESTS_REFUSED_FORMATS_PROBE_H_
