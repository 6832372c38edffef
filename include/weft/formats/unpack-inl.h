// What a quantised format gives the kernels, per target: its codes in registers, and its factors. Each format
// specialises Unpack in its own -inl.h. Little is required, and everything works with it:
//   template <> struct Unpack<Q5_1> {
//     // Codes [first, first + Lanes(d8)) of a block, in natural order: 16 or 32 of them, a number that divides `first`
//     // and the group. Nothing outside the block is read.
//     template <class D8> static hn::Vec<D8> Codes(D8 d8, const BlockBytes& bytes, size_t first);
//     // Sets to.scale[g] (and to.offset[g], if the format has offsets) of all groups g of a block; to.scale_factor
//     // and to.offset_factor where they are integers under a factor.
//     static void Scales(const BlockQ5_1& block, GroupFactors<Q5_1>& to);
//   };
// Kernels want a lane per row: the same few codes of each of several rows side by side. Without more they decode rows
// in natural order to memory and transpose them there (row_codes-inl.h). A format may spare them that, as it pays:
//     // The bytes of the block that hold codes: a multiple of 4, at least 16.
//     static constexpr size_t kCodesBegin, kCodesEnd;
//     // Four codes of each row: bytes.Load(d8, offset) brings bytes [offset, offset + 4) of all the blocks, offset -
//     // kCodesBegin being a multiple of 4. One template may serve both kinds of Bytes: Bytes::Run(d8) tells how many
//     // codes of a row are asked for at once.
//     template <class D8, class Bytes> static hn::Vec<D8> Codes(D8 d8, const Bytes& bytes, size_t first);
//     // scale[g] and offset[g] of one block of each of several rows, a lane each: rows.Load(offset) brings 16 bytes of
//     // the blocks (see BlockRows), and `to` takes the factors: to.Scale(group, floats), to.Offset(group, floats), or
//     // integers and their factor by ByteScales and ByteOffsets below.
//     template <class Rows, class To> static void RowScales(const Rows& rows, const To& to);
// Everything else (decoding, dots, panels) is written over these.

#if defined(WEFT_FORMATS_UNPACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_UNPACK_INL_H_
#undef WEFT_FORMATS_UNPACK_INL_H_
#else
#define WEFT_FORMATS_UNPACK_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include <type_traits>

#include "hwy/highway.h"
#include "weft/formats/format.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/interleave-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class Format>
struct Unpack;

// A block as it lies in the file.
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

// What the groups of a block are multiplied with, and what is subtracted.
template <class Format>
struct GroupFactors {
  using Number = std::conditional_t<Format::kIntegerFactors, int16_t, float>;
  Number scale[kBlockGroups<Format>];
  Number offset[kBlockGroups<Format>];  // unused where the format has none
  float scale_factor, offset_factor;    // of integers

  HWY_INLINE float Scale(size_t group) const {
    if constexpr (Format::kIntegerFactors) return scale_factor * static_cast<float>(scale[group]);
    return scale[group];
  }
  HWY_INLINE float Offset(size_t group) const {
    if constexpr (Format::kIntegerFactors) return offset_factor * static_cast<float>(offset[group]);
    return offset[group];
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

// The four bytes of each lane as the integer scales of groups first .. first + 3 under the block's factor: pairs of
// them, 16 bits each, or floats, whichever `to` takes.
template <bool kSigned, class To>
HWY_INLINE void ByteScales(const To& to, size_t first, hn::Vec<RowFloatTag> factor, hn::Vec<RowDwordTag> bytes) {
  const RowDwordTag d;
  if constexpr (To::kIntegerScales) {
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

// The same for offsets, whose bytes have no signs.
template <class To>
HWY_INLINE void ByteOffsets(const To& to, size_t first, hn::Vec<RowFloatTag> factor, hn::Vec<RowDwordTag> bytes) {
  const RowDwordTag d;
  if constexpr (To::kIntegerOffsets) {
    to.IntegerOffsets(first / 2, LowBytePair(d, bytes));
    to.IntegerOffsets(first / 2 + 1, HighBytePair(d, bytes));
    to.OffsetFactor(factor);
  } else {
    to.Offset(first, hn::Mul(factor, UnsignedByte<0>(d, bytes)));
    to.Offset(first + 1, hn::Mul(factor, UnsignedByte<1>(d, bytes)));
    to.Offset(first + 2, hn::Mul(factor, UnsignedByte<2>(d, bytes)));
    to.Offset(first + 3, hn::Mul(factor, UnsignedByte<3>(d, bytes)));
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

// The first byte of the dword that a byte of a 16-byte block lies in.
alignas(16) inline constexpr uint8_t kDwordOfByte[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};

// Which of the codes from `first` on have their bit set, of 32 whose bits are the four bytes at `offset`,
// little-endian.
template <class D8>
HWY_INLINE hn::Mask<D8> BitsOfCodes(D8 d8, const BlockBytes& bytes, size_t offset, size_t first) {
  return hn::LoadMaskBits(d8, bytes.block + offset + first / 8);
}
// The same for four codes of every row.
template <class D8, class Bytes>
HWY_INLINE hn::Mask<D8> BitsOfCodes(D8 d8, const Bytes& bytes, size_t offset, size_t first) {
  const hn::Repartition<uint32_t, D8> d32;
  const auto byte = hn::Set(d32, 0x01010101u * static_cast<uint32_t>(first / 8));
  const auto at = hn::Add(hn::BitCast(d8, byte), hn::LoadDup128(d8, kDwordOfByte));
  const auto bit = hn::BitCast(d8, hn::Set(d32, 0x08040201u << first % 8));
  return hn::TestBit(hn::TableLookupBytes(bytes.Load(d8, offset), at), bit);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
