// What a quantised format gives the kernels, per target: its codes in registers, and its factors.
//
// Each quantised format specialises Unpack in its own -inl.h:
//   template <> struct Unpack<Q4_K> {
//     // The bytes of the block that hold codes: a multiple of 16.
//     static constexpr size_t kCodesBegin, kCodesEnd;
//     // As many codes from `first` on, in natural order, as `bytes` gives at once: bytes.Load(d8, offset) brings the
//     // block's bytes from `offset` on, of one row or of several side by side (see BlockBytes and LoadedRowBytes).
//     template <class D8, class Bytes> static hn::Vec<D8> Codes(D8 d8, const Bytes& bytes, size_t first);
//     // scale[g] (and offset[g], if the format has offsets) of all groups of a block.
//     static void Scales(const BlockQ4_K& block, float* scale, float* offset);
//     // The same for one block of each of several rows, a lane each: rows.Load(offset) brings 16 bytes of the blocks
//     // (see BlockRows), and `to` takes the factors (see PanelSpan): to.Scale(group, floats), to.Offset(group,
//     floats).
//     // Formats of 256 elements say them as small integers and their factor instead: ByteScales(to, ...) below,
//     // to.IntegerOffsets(pair, integers) and to.OffsetFactor(floats).
//     template <class Rows, class Factors> static void RowScales(const Rows& rows, const Factors& to);
//   };
// Everything else (decoding, dots, panels) is written over these.

#if defined(WEFT_FORMATS_UNPACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_UNPACK_INL_H_
#undef WEFT_FORMATS_UNPACK_INL_H_
#else
#define WEFT_FORMATS_UNPACK_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/formats/format.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/interleave-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class Format>
struct Unpack;

// A block as it lies in the file. Codes are asked for Lanes(d8) at a time, a power of two from 8 to 32 that divides
// `first` and the group; nothing outside the block is read.
struct BlockBytes {
  const uint8_t* block;

  template <class D8>
  static constexpr size_t Run(D8 d8) {
    return hn::MaxLanes(d8);
  }
  template <class D8>
  HWY_INLINE hn::Vec<D8> Load(D8 d8, size_t offset) const {
    return hn::LoadU(d8, block + offset);
  }
};

using RowDwordTag = hn::CappedTag<uint32_t, kLanes32>;
using RowFloatTag = hn::RebindToFloat<RowDwordTag>;

// One block of each of kLanes32 rows: row r's at from + r * stride.
struct BlockRows {
  const uint8_t* from;
  size_t stride;

  HWY_INLINE Dwords<RowDwordTag> Load(size_t offset) const { return LoadBytes<16>(offset); }
  template <size_t kBytes>
  HWY_INLINE Dwords<RowDwordTag, kBytes / 4> LoadBytes(size_t offset) const {
    return LoadRows<kBytes>(RowDwordTag(), from + offset, stride);
  }
};

// Their bytes [kBegin, kEnd), four of each row at a time, from registers. Callers unroll: every call names a constant
// offset.
template <size_t kBegin, size_t kEnd>
struct LoadedRowBytes {
  static constexpr size_t kBytes = kEnd - kBegin, kRun = kBytes % 32 == 0 ? 32 : 16;
  hn::Vec<RowDwordTag> dword[kBytes / 4];

  HWY_INLINE explicit LoadedRowBytes(const BlockRows& rows) {
    WEFT_UNROLL(4)
    for (size_t at = 0; at < kBytes; at += kRun) {
      const auto v = rows.LoadBytes<kRun>(kBegin + at);
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
    return hn::BitCast(d8, dword[(offset - kBegin) / 4]);
  }
};

// The same from a copy in memory.
template <size_t kBegin>
struct StagedRowBytes {
  const uint8_t* interleaved;

  template <class D8>
  static constexpr size_t Run(D8) {
    return 4;
  }
  template <class D8>
  HWY_INLINE hn::Vec<D8> Load(D8 d8, size_t offset) const {
    return hn::Load(d8, interleaved + (offset - kBegin) * kLanes32);
  }
};

// Whether the codes of a vector of blocks are copied before they are used: where a block has many. A small loop does
// it; the loads of a long unrolled one, each with a stride of its own, mislead the prefetchers of CPUs (on Zen 5 the
// product of Q4_K with one token reached 75 % of the bandwidth instead of 92 %).
template <class Format>
inline constexpr size_t kCodeBytes = Unpack<Format>::kCodesEnd - Unpack<Format>::kCodesBegin;
// Checked where code bytes are loaded.
template <class Format>
constexpr bool HasValidCodeBytes() {
  static_assert(kCodeBytes<Format> % 16 == 0, "code bytes come 16 at a time: their number is a multiple of 16");
  static_assert(Unpack<Format>::kCodesEnd <= sizeof(typename Format::Block), "code bytes lie in the block");
  return true;
}
template <class Format>
inline constexpr bool kIsStaged = HasValidCodeBytes<Format>() && kCodeBytes<Format> > 32;
template <class Format>
inline constexpr size_t kStagedBytes = kIsStaged<Format> ? kCodeBytes<Format>* kLanes32 : 1;

// The codes of a vector of blocks in the way that suits the format. `staged`: kStagedBytes, 64-byte aligned. Copying
// takes kRun (16 or 32) bytes of each block at a time, and calls each_run(i) before the i-th.
template <class Format, size_t kRun, class F>
HWY_INLINE auto CodesOf(const BlockRows& rows, uint8_t* HWY_RESTRICT staged, const F& each_run) {
  constexpr size_t kBegin = Unpack<Format>::kCodesBegin;
  if constexpr (kIsStaged<Format>) {
    static_assert(kCodeBytes<Format> % kRun == 0);
    for (size_t run = 0; run < kCodeBytes<Format> / kRun; ++run) {
      each_run(run);
      const auto v = rows.template LoadBytes<kRun>(kBegin + kRun * run);
      auto* out = reinterpret_cast<uint32_t*>(staged + kRun * run * kLanes32);
      WEFT_UNROLL(8)
      for (size_t i = 0; i < kRun / 4; ++i) hn::Store(v.dword[i], RowDwordTag(), out + i * kLanes32);
    }
    return StagedRowBytes<kBegin>{staged};
  } else {
    return LoadedRowBytes<kBegin, Unpack<Format>::kCodesEnd>(rows);
  }
}

// Byte `i` of each lane, and half `i`, as numbers.
template <int i, class D, HWY_IF_U32_D(D)>
HWY_INLINE hn::Vec<hn::RebindToFloat<D>> UnsignedByte(D d, hn::Vec<D> v) {
  const auto byte = hn::And(hn::ShiftRight<8 * i>(v), hn::Set(d, 255u));
  return hn::ConvertTo(hn::RebindToFloat<D>(), hn::BitCast(hn::RebindToSigned<D>(), byte));
}
template <int i, class D, HWY_IF_U32_D(D)>
HWY_INLINE hn::Vec<hn::RebindToFloat<D>> SignedByte(D d, hn::Vec<D> v) {
  const hn::RebindToSigned<D> di;
  (void)d;
  return hn::ConvertTo(hn::RebindToFloat<D>(), hn::ShiftRight<24>(hn::BitCast(di, hn::ShiftLeft<24 - 8 * i>(v))));
}
template <int i, class D, HWY_IF_U32_D(D)>
HWY_INLINE hn::Vec<hn::RebindToFloat<D>> HalfFloat(D d, hn::Vec<D> v) {
  const hn::RebindToFloat<D> df;
  const auto bits = i == 0 ? hn::And(v, hn::Set(d, 0xFFFFu)) : hn::ShiftRight<16>(v);
  if constexpr (kNativeHalf) {
    return WidenHalf(df, hn::TruncateTo(hn::Rebind<uint16_t, D>(), bits));
  } else {
    return WidenHalfBits(df, bits);
  }
}

// Bytes 0 and 1, or 2 and 3, of each lane as two 16-bit numbers.
template <class D, HWY_IF_U32_D(D)>
HWY_INLINE hn::Vec<D> LowBytePair(D d, hn::Vec<D> v) {
  return hn::Or(hn::And(v, hn::Set(d, 0xFFu)), hn::ShiftLeft<8>(hn::And(v, hn::Set(d, 0xFF00u))));
}
template <class D, HWY_IF_U32_D(D)>
HWY_INLINE hn::Vec<D> HighBytePair(D d, hn::Vec<D> v) {
  return LowBytePair(d, hn::ShiftRight<16>(v));
}

// The four bytes of each lane, signed or not, as the scales of groups first .. first + 3 under the block's factor.
template <bool kSigned, class Factors>
HWY_INLINE void ByteScales(const Factors& to, size_t first, hn::Vec<RowFloatTag> factor, hn::Vec<RowDwordTag> bytes) {
  const RowDwordTag d;
  if constexpr (Factors::kIntegers) {
    const hn::Repartition<int16_t, RowDwordTag> d16;
    const auto extend = [=](hn::Vec<RowDwordTag> pair) HWY_ATTR {
      if constexpr (!kSigned) return pair;
      return hn::BitCast(d, hn::ShiftRight<8>(hn::ShiftLeft<8>(hn::BitCast(d16, pair))));
    };
    to.IntegerScales(first / 2, extend(LowBytePair(d, bytes)));
    to.IntegerScales(first / 2 + 1, extend(HighBytePair(d, bytes)));
    to.ScaleFactor(factor);
  } else if constexpr (kSigned) {
    to.Scale(first, hn::Mul(factor, SignedByte<0>(d, bytes)));
    to.Scale(first + 1, hn::Mul(factor, SignedByte<1>(d, bytes)));
    to.Scale(first + 2, hn::Mul(factor, SignedByte<2>(d, bytes)));
    to.Scale(first + 3, hn::Mul(factor, SignedByte<3>(d, bytes)));
  } else {
    to.Scale(first, hn::Mul(factor, UnsignedByte<0>(d, bytes)));
    to.Scale(first + 1, hn::Mul(factor, UnsignedByte<1>(d, bytes)));
    to.Scale(first + 2, hn::Mul(factor, UnsignedByte<2>(d, bytes)));
    to.Scale(first + 3, hn::Mul(factor, UnsignedByte<3>(d, bytes)));
  }
}

// Low (shift 0) or high (shift 4) nibbles of bytes.
template <class D8>
HWY_INLINE hn::Vec<D8> LowNibbles(D8 d8, hn::Vec<D8> bytes) {
  return hn::And(bytes, hn::Set(d8, uint8_t{15}));
}
template <class D8>
HWY_INLINE hn::Vec<D8> HighNibbles(D8 d8, hn::Vec<D8> bytes) {
  // Shifting 16-bit lanes is one instruction everywhere; the mask removes what came over from the neighbour.
  const hn::Repartition<uint16_t, D8> d16;
  return LowNibbles(d8, hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(d16, bytes))));
}

// Codes from `first` on of 32 whose first half are the low nibbles of 16 bytes at `offset`, the second the high ones.
template <class D8, class Bytes>
HWY_INLINE hn::Vec<D8> SplitNibbles32(D8 d8, const Bytes& bytes, size_t offset, size_t first) {
  if constexpr (Bytes::Run(d8) == 32) {  // both halves at once
    const hn::Half<D8> dh;
    const auto packed = bytes.Load(dh, offset);
    return hn::Combine(d8, HighNibbles(dh, packed), LowNibbles(dh, packed));
  } else {
    const auto packed = bytes.Load(d8, offset + first % 16);
    return first < 16 ? LowNibbles(d8, packed) : HighNibbles(d8, packed);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
