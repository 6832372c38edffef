// What a weight format states about itself. Everything else (dequantise, dot, panels, tests, benchmarks, the table in
// the docs) is written once, over this.
//
// A format is a struct with the format's name, e.g. Q4_K, in a header of its own. Two kinds:
//
// Quantised: u8 codes in groups with a scale, and sometimes an offset, per group. Element e of group g is
//     w[e] = scale[g] * (code[e] - kZero) - offset[g]                    (computed in float, in this order)
//   struct Q4_K {
//     using Block = BlockQ4_K;                       byte members, alignment 1
//     static constexpr DType kType;                  id in the file; name and sizes come from LayoutOf(kType)
//     static constexpr size_t kGroup;                elements per scale
//     static constexpr int kZero;
//     static constexpr int kMaxCode;                 codes lie in [0, kMaxCode]
//     static constexpr bool kHasOffset;
//     static constexpr bool kIntegerFactors;         whether scales, and offsets, are small integers (magnitude at
//                                                    most kMostFactor) times one float per block
//     static void Decode(const Block&, Decoded<Q4_K>&);        the normative scalar reference
//     static void Encode(const float* x, Block&);              optional; x: one block of elements
//   };
// What kernels need beside that, per target, is in the format's -inl.h: see unpack-inl.h.
//
// Float: elements of their own, kGroup = 1:
//   struct F16 {
//     using Block = f16;
//     static constexpr DType kType; static constexpr size_t kGroup = 1;
//     static float Decode(Block); static Block Encode(float);
//   };
//
// The header also tells the list which struct belongs to the GGUF id and to the file name:
//   template <> struct FormatOf<DType::kQ4_K> { using type = Q4_K; };
//   namespace formats { using q4_k = Q4_K; }
#ifndef WEFT_FORMATS_FORMAT_H_
#define WEFT_FORMATS_FORMAT_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/activations.h"
#include "weft/core/dtype.h"
#include "weft/core/half.h"
#include "weft/core/strict_math.h"

namespace weft {

// Specialised by every format header; see FormatList in formats.h.
template <DType type>
struct FormatOf;

template <class Format>
inline constexpr size_t kBlockElements = LayoutOf(Format::kType).block_elements;
template <class Format>
inline constexpr size_t kBlockGroups = kBlockElements<Format> / Format::kGroup;
template <class Format>
inline constexpr bool kIsFloat = Format::kGroup == 1;

// One block, decoded as far as all formats have in common: codes in natural order, scales, offsets.
template <class Format>
struct Decoded {
  uint8_t code[kBlockElements<Format>];
  float scale[kBlockGroups<Format>];
  float offset[kBlockGroups<Format>];  // zeros where the format has none
};

// Integer factors are no larger.
inline constexpr int kMostFactor = 2047;

// Whether blocks can be made from floats.
template <class Format>
inline constexpr bool kCanEncode = kIsFloat<Format> || requires(const float* x, typename Format::Block& block) {
  Format::Encode(x, block);
};

// Checked once per format, by the header itself.
template <class Format>
constexpr bool IsValidFormat() {
  static_assert(sizeof(typename Format::Block) == LayoutOf(Format::kType).block_bytes,
                "block size differs from GGUF's");
  static_assert(alignof(typename Format::Block) == 1, "blocks lie anywhere in a file");
  if constexpr (!kIsFloat<Format>) {
    constexpr size_t kElements = kBlockElements<Format>;
    static_assert(kElements == 32 || kElements == 64 || kElements == 128 || kElements == 256,
                  "blocks have 32, 64, 128 or 256 elements: products take 256 at a time");
    static_assert(Format::kGroup % kSumGroup == 0,
                  "groups are multiples of 16 elements: sums of codes are kept per 16");
    static_assert(kElements % Format::kGroup == 0, "a block has whole groups");
    static_assert((Format::kGroup & (Format::kGroup - 1)) == 0, "groups are powers of two: pairs of them fill 256");
    static_assert(Format::kMaxCode > 0 && Format::kMaxCode <= 255, "codes are bytes");
    static_assert(Format::kZero >= 0 && Format::kZero <= 128 && Format::kMaxCode - Format::kZero <= 127,
                  "code - zero fits a signed byte");
  }
  return true;
}

}  // namespace weft

#endif  // WEFT_FORMATS_FORMAT_H_
