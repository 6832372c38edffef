// Loads that turn storage types into float vectors, and stores that turn them back. Pointers may have any alignment;
// the ...N forms touch exactly `count` elements.

#if defined(WEFT_SIMD_CONVERT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_CONVERT_INL_H_
#undef WEFT_SIMD_CONVERT_INL_H_
#else
#define WEFT_SIMD_CONVERT_INL_H_
#endif

#include <string.h>

#include "hwy/highway.h"
#include "weft/core/half.h"
#include "weft/formats/f32.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Whether the target has an instruction that widens f16 to float.
#if HWY_TARGET_IS_NEON || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)
inline constexpr bool kNativeHalf = true;
#else
inline constexpr bool kNativeHalf = false;
#endif

// Bytes to the lanes of any tag, without asking the pointer for the lane type's alignment.
template <class D>
HWY_INLINE hn::Vec<D> LoadBytes(D d, const void* from) {
  const hn::Repartition<uint8_t, D> d8;
  return hn::BitCast(d, hn::LoadU(d8, static_cast<const uint8_t*>(from)));
}
template <class D>
HWY_INLINE hn::Vec<D> LoadBytesN(D d, const void* from, size_t count) {
  const hn::Repartition<uint8_t, D> d8;
  return hn::BitCast(d, hn::LoadN(d8, static_cast<const uint8_t*>(from), count * sizeof(hn::TFromD<D>)));
}
template <class D>
HWY_INLINE void StoreBytes(hn::Vec<D> v, D d, void* to) {
  const hn::Repartition<uint8_t, D> d8;
  (void)d;
  hn::StoreU(hn::BitCast(d8, v), d8, static_cast<uint8_t*>(to));
}
template <class D>
HWY_INLINE void StoreBytesN(hn::Vec<D> v, D d, void* to, size_t count) {
  const hn::Repartition<uint8_t, D> d8;
  (void)d;
  hn::StoreN(hn::BitCast(d8, v), d8, static_cast<uint8_t*>(to), count * sizeof(hn::TFromD<D>));
}

// f16 bits in the low half of each 32-bit lane to float, exactly, subnormals and NaN included, by integer arithmetic.
// Targets with a conversion instruction do not come here.
template <class DF>
HWY_INLINE hn::Vec<DF> WidenHalfBits(DF df, hn::Vec<hn::Rebind<uint32_t, DF>> bits) {
  const hn::Rebind<uint32_t, DF> du;
  const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(du, 0x8000u)));
  const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(du, 0x7FFFu)));
  const auto special = hn::Ge(magnitude, hn::Set(du, 0x0F800000u));  // infinity and NaN
  const auto tiny = hn::Lt(magnitude, hn::Set(du, 0x00800000u));     // zero and subnormals
  const auto rebias = hn::Add(magnitude, hn::Set(du, 112u << 23));
  const auto inf_nan = hn::Or(magnitude, hn::Set(du, 0x7F800000u));
  // A subnormal's mantissa behind the exponent of 2^-14, minus 2^-14, is its value, exactly.
  const auto base = hn::Set(du, 113u << 23);
  const auto subnormal = hn::BitCast(du, hn::Sub(hn::BitCast(df, hn::Add(magnitude, base)), hn::BitCast(df, base)));
  const auto value = hn::IfThenElse(tiny, subnormal, hn::IfThenElse(special, inf_nan, rebias));
  return hn::BitCast(df, hn::Or(sign, value));
}

template <class DF>
HWY_INLINE hn::Vec<DF> LoadFloat(DF df, const BlockF32* from) {
  return LoadBytes(df, from);
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadFloatN(DF df, const BlockF32* from, size_t count) {
  return LoadBytesN(df, from, count);
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadFloat(DF df, const float* from) {
  return hn::LoadU(df, from);
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadFloatN(DF df, const float* from, size_t count) {
  return hn::LoadN(df, from, count);
}
template <class DF>
HWY_INLINE hn::Vec<DF> WidenHalf(DF df, hn::Vec<hn::Rebind<uint16_t, DF>> bits) {
  if constexpr (kNativeHalf) {
    return hn::PromoteTo(df, hn::BitCast(hn::Rebind<hwy::float16_t, DF>(), bits));
  } else {
    return WidenHalfBits(df, hn::PromoteTo(hn::Rebind<uint32_t, DF>(), bits));
  }
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadFloat(DF df, const f16* from) {
  return WidenHalf(df, LoadBytes(hn::Rebind<uint16_t, DF>(), from));
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadFloatN(DF df, const f16* from, size_t count) {
  return WidenHalf(df, LoadBytesN(hn::Rebind<uint16_t, DF>(), from, count));
}
template <class DF>
HWY_INLINE hn::Vec<DF> WidenBF16(DF df, hn::Vec<hn::Rebind<uint16_t, DF>> bits) {
  const hn::Rebind<uint32_t, DF> du;
  return hn::BitCast(df, hn::ShiftLeft<16>(hn::PromoteTo(du, bits)));
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadFloat(DF df, const bf16* from) {
  return WidenBF16(df, LoadBytes(hn::Rebind<uint16_t, DF>(), from));
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadFloatN(DF df, const bf16* from, size_t count) {
  return WidenBF16(df, LoadBytesN(hn::Rebind<uint16_t, DF>(), from, count));
}

// Rounds to nearest even on every target, subnormals kept; NaN becomes quiet with its leading payload bits: the same
// bits as core/half.h's scalar conversions.
template <class DF>
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, DF>> NarrowToBF16(DF /*df*/, hn::Vec<DF> v) {
  const hn::Rebind<uint32_t, DF> du;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(du, 0x7FFFu)), odd));
  const auto quiet = hn::Or(hn::ShiftRight<16>(bits), hn::Set(du, 64u));
  const auto nan = hn::Gt(hn::And(bits, hn::Set(du, 0x7FFFFFFFu)), hn::Set(du, 0x7F800000u));
  return hn::TruncateTo(hn::Rebind<uint16_t, DF>(), hn::IfThenElse(nan, quiet, rounded));
}
template <class DF>
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, DF>> NarrowToF16(DF df, hn::Vec<DF> v) {
  const hn::Rebind<uint32_t, DF> du;
  const auto bits = hn::BitCast(du, v);
  const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 0x8000u));
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7FFFFFFFu));
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 1u));
  // See ToF16 in core/half.h for the three ranges.
  const auto normal =
      hn::ShiftRight<13>(hn::Add(hn::Sub(magnitude, hn::Set(du, 112u << 23)), hn::Add(hn::Set(du, 0xFFFu), odd)));
  const auto half = hn::Set(df, 0.5f);
  const auto subnormal = hn::Sub(hn::BitCast(du, hn::Add(hn::BitCast(df, magnitude), half)), hn::BitCast(du, half));
  const auto nan = hn::Or(hn::Set(du, 0x7E00u), hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 0x3FFu)));
  auto out = hn::IfThenElse(hn::Lt(magnitude, hn::Set(du, 0x38800000u)), subnormal, normal);
  out = hn::IfThenElse(hn::Ge(magnitude, hn::Set(du, 0x47800000u)), hn::Set(du, 0x7C00u), out);
  out = hn::IfThenElse(hn::Gt(magnitude, hn::Set(du, 0x7F800000u)), nan, out);
  return hn::TruncateTo(hn::Rebind<uint16_t, DF>(), hn::Or(out, sign));
}

template <class DF>
HWY_INLINE void StoreFloat(DF df, hn::Vec<DF> v, BlockF32* to) {
  StoreBytes(v, df, to);
}
template <class DF>
HWY_INLINE void StoreFloat(DF df, hn::Vec<DF> v, f16* to) {
  StoreBytes(NarrowToF16(df, v), hn::Rebind<uint16_t, DF>(), to);
}
template <class DF>
HWY_INLINE void StoreFloat(DF df, hn::Vec<DF> v, bf16* to) {
  StoreBytes(NarrowToBF16(df, v), hn::Rebind<uint16_t, DF>(), to);
}
template <class DF>
HWY_INLINE void StoreFloatN(DF df, hn::Vec<DF> v, BlockF32* to, size_t count) {
  StoreBytesN(v, df, to, count);
}
template <class DF>
HWY_INLINE void StoreFloatN(DF df, hn::Vec<DF> v, f16* to, size_t count) {
  StoreBytesN(NarrowToF16(df, v), hn::Rebind<uint16_t, DF>(), to, count);
}
template <class DF>
HWY_INLINE void StoreFloatN(DF df, hn::Vec<DF> v, bf16* to, size_t count) {
  StoreBytesN(NarrowToBF16(df, v), hn::Rebind<uint16_t, DF>(), to, count);
}

// One f16, by the target's instruction where it has one.
HWY_INLINE float HalfToFloat(f16 h) {
  const hn::CappedTag<float, 4> df;
  const hn::Rebind<uint16_t, decltype(df)> d16;
  return hn::GetLane(WidenHalf(df, hn::Set(d16, BitsOf(h))));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
