// Of the tests: entries of eight elements from a table, each element with a sign; one scale for a block of 256, wider
// than any group of a product.   w[i] = d * (code[i] - 64), code[i] = 64 +- table[index[i / 8]][i % 8]
#ifndef WEFT_FORMATS_ENTRIES_H_
#define WEFT_FORMATS_ENTRIES_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/formats/format.h"

namespace weft {

// Any numbers up to 63 do, if no two entries are equal.
struct EntryTable {
  uint8_t value[256][8];
};
inline constexpr EntryTable kEntries = [] {
  EntryTable table = {};
  for (uint32_t entry = 0; entry < 256; ++entry) {
    for (uint32_t i = 0; i < 8; ++i) table.value[entry][i] = (entry >> i % 4 * 2 & 3) * 20 + (entry * 7 + i * 5) % 4;
  }
  return table;
}();

struct BlockEntries {
  f16 d;
  uint8_t index[32];
  uint8_t negative[32];  // bit i of them: the sign of element i
};

struct Entries {
  using Block = BlockEntries;
  static constexpr DType kType = DType::kIQ2_XXS;
  static constexpr size_t kGroup = 256;
  static constexpr int kZero = 64;
  static constexpr int kMaxCode = 127;
  static constexpr bool kHasOffset = false;
  static constexpr bool kIntegerFactors = false;

  static uint8_t CodeAt(const Block& block, size_t i) {
    const uint8_t entry = kEntries.value[block.index[i / 8]][i % 8];
    return static_cast<uint8_t>(block.negative[i / 8] >> i % 8 & 1 ? 64 - entry : 64 + entry);
  }
  static void Decode(const Block& block, Decoded<Entries>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = 0.0f;
    for (size_t i = 0; i < 256; ++i) out.code[i] = CodeAt(block, i);
  }
};
static_assert(IsValidFormat<Entries>());

template <>
struct FormatOf<Entries::kType> {
  using type = Entries;
};
namespace formats {
using entries = Entries;
}

}  // namespace weft

#endif  // WEFT_FORMATS_ENTRIES_H_
