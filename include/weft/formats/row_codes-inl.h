// The codes and factors of one block of each of several rows, a lane per row: by the format's own fast path, or over
// its codes in natural order and its factors block by block (see unpack-inl.h).

#if defined(WEFT_FORMATS_ROW_CODES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_ROW_CODES_INL_H_
#undef WEFT_FORMATS_ROW_CODES_INL_H_
#else
#define WEFT_FORMATS_ROW_CODES_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/prefetch.h"
#include "weft/formats/unpack-inl.h"
#include "weft/simd/interleave-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Natural order is asked for this many codes at a time: 16 or 32, whatever the vector size.
template <class Format>
using CodeTag = hn::CappedTag<uint8_t, (Format::kGroup % 32 == 0 ? 32 : 16)>;

// code[0, elements) = the codes of one block.
template <class Format>
HWY_INLINE void StoreCodes(const uint8_t* block, uint8_t* HWY_RESTRICT code) {
  const CodeTag<Format> d8;
  for (size_t i = 0; i < kBlockElements<Format>; i += hn::Lanes(d8)) {
    hn::StoreU(Unpack<Format>::Codes(d8, BlockBytes{block}, i), d8, code + i);
  }
}

// Whether the format brings four codes of each row in registers, and where from.
template <class Format>
inline constexpr bool kHasRowCodes = requires {
  Unpack<Format>::kCodesBegin;
};
template <class Format>
inline constexpr size_t kCodeBytes = Unpack<Format>::kCodesEnd - Unpack<Format>::kCodesBegin;
template <class Format>
constexpr bool HasValidCodeBytes() {
  static_assert(kCodeBytes<Format> % 4 == 0, "code bytes come four at a time: their number is a multiple of 4");
  static_assert(kCodeBytes<Format> >= 16, "code bytes are loaded 16 at a time: there are 16 or more of them");
  static_assert(Unpack<Format>::kCodesEnd <= sizeof(typename Format::Block), "code bytes lie in the block");
  return true;
}

// Runs of kRun (16 or 32) bytes that cover a format's code bytes; the last begins early if it would end behind them.
template <class Format, size_t kRun>
inline constexpr size_t kCodeRuns = (kCodeBytes<Format> + kRun - 1) / kRun;
template <class Format, size_t kRun>
constexpr size_t CodeRunAt(size_t run) {
  const size_t last = kCodeBytes<Format> - kRun;
  return kRun * run < last ? kRun * run : last;
}
// Runs of 32 are loaded faster, where they are whole.
template <class Format>
inline constexpr size_t kFastRun = kCodeBytes<Format> % 32 == 0 ? 32 : 16;

// The code bytes of a vector of blocks in registers, four of each at a time. Callers unroll: every call names a
// constant offset.
template <class Format>
struct LoadedRowBytes {
  static constexpr size_t kRun = kFastRun<Format>, kRuns = kCodeRuns<Format, kRun>;
  hn::Vec<RowDwordTag> dword[kCodeBytes<Format> / 4];

  HWY_INLINE explicit LoadedRowBytes(const BlockRows& rows) {
    WEFT_UNROLL(4)
    for (size_t run = 0; run < kRuns; ++run) {
      const size_t at = CodeRunAt<Format, kRun>(run);
      const auto v = rows.LoadBytes<kRun>(Unpack<Format>::kCodesBegin + at);
      WEFT_UNROLL(8)
      for (size_t i = 0; i < kRun / 4; ++i) dword[at / 4 + i] = v.dword[i];
    }
  }

  template <class D8>
  static constexpr size_t Run(D8) {
    return 4;
  }
  template <class D8>
  HWY_INLINE hn::Vec<D8> Load(D8 d8, size_t offset) const {
    return hn::BitCast(d8, dword[(offset - Unpack<Format>::kCodesBegin) / 4]);
  }
  template <class D8>
  HWY_INLINE hn::Vec<D8> Codes(D8 d8, size_t first) const {
    return Unpack<Format>::Codes(d8, *this, first);
  }
};

// The same from a copy in memory.
template <class Format>
struct StagedRowBytes {
  const uint8_t* interleaved;

  template <class D8>
  static constexpr size_t Run(D8) {
    return 4;
  }
  template <class D8>
  HWY_INLINE hn::Vec<D8> Load(D8 d8, size_t offset) const {
    return hn::Load(d8, interleaved + (offset - Unpack<Format>::kCodesBegin) * kLanes32);
  }
  template <class D8>
  HWY_INLINE hn::Vec<D8> Codes(D8 d8, size_t first) const {
    return Unpack<Format>::Codes(d8, *this, first);
  }
};

// Codes themselves, from memory.
struct StagedRowCodes {
  const uint8_t* interleaved;

  template <class D8>
  HWY_INLINE hn::Vec<D8> Codes(D8 d8, size_t first) const {
    return hn::Load(d8, interleaved + first * kLanes32);
  }
};

// Whether the code bytes of a vector of blocks are copied before they are used: where a block has many. A small loop
// does it; the loads of a long unrolled one, each with a stride of its own, mislead the prefetchers of CPUs (on Zen 5
// the product of Q4_K with one token reached 75 % of the bandwidth instead of 92 %).
template <class Format>
constexpr bool StagesCodes() {
  if constexpr (kHasRowCodes<Format>) {
    return HasValidCodeBytes<Format>() && kCodeBytes<Format> > 32;
  } else {
    return true;
  }
}
template <class Format>
inline constexpr bool kIsStaged = StagesCodes<Format>();
template <class Format>
constexpr size_t StagedBytes() {
  if constexpr (!kIsStaged<Format>) {
    return 1;
  } else if constexpr (kHasRowCodes<Format>) {
    return kCodeBytes<Format> * kLanes32;
  } else {
    return kBlockElements<Format> * kLanes32;
  }
}

// Calls store(i, codes) for codes [4i, 4i + 4) of every row of a vector of blocks, by way of natural order.
template <class Format, class F>
HWY_INLINE void TransposeCodes(const BlockRows& rows, const F& store) {
  constexpr size_t kElements = kBlockElements<Format>;
  alignas(64) uint8_t natural[kLanes32 * kElements];
  for (size_t r = 0; r < kLanes32; ++r) StoreCodes<Format>(rows.from + r * rows.stride, natural + r * kElements);
  for (size_t at = 0; at < kElements; at += 32) {
    const auto v = LoadRows<32>(RowDwordTag(), natural + at, kElements);
    WEFT_UNROLL(8)
    for (size_t i = 0; i < 8; ++i) store(at / 4 + i, hn::BitCast(hn::Repartition<uint8_t, RowDwordTag>(), v.dword[i]));
  }
}

// The codes of a vector of blocks in the way that suits the format: Codes(d8, first) of what is returned are four of
// each row. `staged`: StagedBytes, 64-byte aligned. Copying takes kRun (16 or 32) bytes of each block at a time, and
// requests the kAhead bytes at `ahead` meanwhile.
template <class Format, size_t kRun, size_t kAhead>
HWY_INLINE auto CodesOf(const BlockRows& rows, uint8_t* HWY_RESTRICT staged, const uint8_t* ahead) {
  if constexpr (!kHasRowCodes<Format>) {
    PrefetchLines(ahead, kAhead);
    const hn::Repartition<uint8_t, RowDwordTag> d8;
    TransposeCodes<Format>(
        rows, [=](size_t i, hn::Vec<decltype(d8)> codes) HWY_ATTR { hn::Store(codes, d8, staged + 4 * i * kLanes32); });
    return StagedRowCodes{staged};
  } else if constexpr (kIsStaged<Format>) {
    constexpr size_t kRuns = kCodeRuns<Format, kRun>;
    constexpr size_t kShare = (kAhead / kRuns + kLineBytes - 1) / kLineBytes * kLineBytes;
    for (size_t run = 0; run < kRuns; ++run) {
      if constexpr (kAhead != 0) PrefetchLines(ahead + run * kShare, kShare);
      const size_t at = CodeRunAt<Format, kRun>(run);
      const auto v = rows.template LoadBytes<kRun>(Unpack<Format>::kCodesBegin + at);
      auto* out = reinterpret_cast<uint32_t*>(staged + at * kLanes32);
      WEFT_UNROLL(8)
      for (size_t i = 0; i < kRun / 4; ++i) hn::Store(v.dword[i], RowDwordTag(), out + i * kLanes32);
    }
    return StagedRowBytes<Format>{staged};
  } else {
    return LoadedRowBytes<Format>(rows);
  }
}

// What takes the factors of a vector of blocks and does nothing with them: only to ask whether a format can give them.
struct NoRowFactors {
  static constexpr bool kIntegerScales = false, kIntegerOffsets = false;
  void Scale(size_t, hn::Vec<RowFloatTag>) const {}
  void Offset(size_t, hn::Vec<RowFloatTag>) const {}
};
template <class Format>
inline constexpr bool kHasRowScales = requires(const BlockRows& rows, const NoRowFactors& to) {
  Unpack<Format>::RowScales(rows, to);
};

// Gives `to` the factors of a vector of blocks.
template <class Format, class To>
HWY_INLINE void RowFactors(const BlockRows& rows, const To& to) {
  if constexpr (kHasRowScales<Format>) {
    Unpack<Format>::RowScales(rows, to);
  } else {
    constexpr size_t kGroups = kBlockGroups<Format>;
    const RowDwordTag du;
    const RowFloatTag df;
    // Numbers of a group side by side; pairs of groups where they are integers of 16 bits.
    alignas(64) float scale[kGroups][kLanes32], offset[kGroups][kLanes32];
    alignas(64) uint32_t scales[kGroups / 2 + 1][kLanes32], offsets[kGroups / 2 + 1][kLanes32];
    alignas(64) float scale_factor[kLanes32], offset_factor[kLanes32];
    const auto pair = [](auto low, auto high) {
      return static_cast<uint32_t>(static_cast<uint16_t>(low)) | static_cast<uint32_t>(high) << 16;
    };
    for (size_t r = 0; r < kLanes32; ++r) {
      typename Format::Block block;
      memcpy(&block, rows.from + r * rows.stride, sizeof(block));
      GroupFactors<Format> factors;
      Unpack<Format>::Scales(block, factors);
      for (size_t g = 0; g < kGroups; ++g) {
        if constexpr (!To::kIntegerScales) scale[g][r] = factors.Scale(g);
        if constexpr (Format::kHasOffset && !To::kIntegerOffsets) offset[g][r] = factors.Offset(g);
      }
      for (size_t p = 0; p < kGroups / 2; ++p) {
        if constexpr (To::kIntegerScales) scales[p][r] = pair(factors.scale[2 * p], factors.scale[2 * p + 1]);
        if constexpr (To::kIntegerOffsets) offsets[p][r] = pair(factors.offset[2 * p], factors.offset[2 * p + 1]);
      }
      if constexpr (To::kIntegerScales) scale_factor[r] = factors.scale_factor;
      if constexpr (To::kIntegerOffsets) offset_factor[r] = factors.offset_factor;
    }
    for (size_t g = 0; g < kGroups; ++g) {
      if constexpr (!To::kIntegerScales) to.Scale(g, hn::Load(df, scale[g]));
      if constexpr (Format::kHasOffset && !To::kIntegerOffsets) to.Offset(g, hn::Load(df, offset[g]));
    }
    for (size_t p = 0; p < kGroups / 2; ++p) {
      if constexpr (To::kIntegerScales) to.IntegerScales(p, hn::Load(du, scales[p]));
      if constexpr (To::kIntegerOffsets) to.IntegerOffsets(p, hn::Load(du, offsets[p]));
    }
    if constexpr (To::kIntegerScales) to.ScaleFactor(hn::Load(df, scale_factor));
    if constexpr (To::kIntegerOffsets) to.OffsetFactor(hn::Load(df, offset_factor));
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
