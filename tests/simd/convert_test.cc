// Conversions between storage types and floats: the bits of core/half.h, for every value, and no byte touched beyond
// the count.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/simd/convert_test.cc"
#include "weft/instantiate/targets.h"
// targets.h must come before foreach_target.h, and that before highway.h.
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Last of Highway's: compiled once per target.
#include <cmath>
#include <cstring>

#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/same_bits.h"
#include "tests/simd/simd_test.h"
#include "weft/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

float Widen(f16 h) { return ToFloat(h); }
float Widen(bf16 h) { return ToFloat(h); }
float Widen(BlockF32 b) { return F32::Decode(b); }
void Narrow(float x, f16& to) { to = ToF16(x); }
void Narrow(float x, bf16& to) { to = ToBF16(x); }
void Narrow(float x, BlockF32& to) { to = F32::Encode(x); }

template <class T>
T FromBits(uint16_t bits) {
  return T{{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)}};
}

template <class T>
HWY_NOINLINE void CheckEveryHalf() {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  T halves[HWY_MAX_BYTES];
  float y[HWY_MAX_BYTES];
  for (unsigned first = 0; first < 65536; first += static_cast<unsigned>(lanes)) {
    for (size_t i = 0; i < lanes; ++i) halves[i] = FromBits<T>(static_cast<uint16_t>(first + i));
    hn::StoreU(LoadFloat(df, halves), df, y);
    for (size_t i = 0; i < lanes; ++i) {
      ASSERT_TRUE(test::SameBits(y[i], Widen(halves[i]))) << first + i;
      const T back = halves[i];
      if (!std::isnan(y[i])) {
        T narrowed;
        Narrow(y[i], narrowed);
        ASSERT_EQ(memcmp(&narrowed, &back, sizeof(T)), 0) << first + i;
      }
    }
  }
}

// Every float upper half with random lower bits and the lower bits that decide roundings.
template <class T>
HWY_NOINLINE void CheckNarrowing() {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  test::Random random(1);
  float x[HWY_MAX_BYTES];
  T narrowed[HWY_MAX_BYTES];
  for (uint32_t low :
       {0x0000u, 0x0001u, 0x0FFFu, 0x1000u, 0x1001u, 0x2FFFu, 0x3000u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu, 0x10000u}) {
    for (uint32_t high = 0; high < 65536; high += static_cast<uint32_t>(lanes)) {
      for (size_t i = 0; i < lanes; ++i) {
        const uint32_t lower = low < 0x10000u ? low : static_cast<uint32_t>(random.Below(65536));
        x[i] = FloatOf(static_cast<uint32_t>(high + i) << 16 | lower);
      }
      StoreFloat(df, hn::LoadU(df, x), narrowed);
      for (size_t i = 0; i < lanes; ++i) {
        T expected;
        Narrow(x[i], expected);
        ASSERT_EQ(memcmp(&narrowed[i], &expected, sizeof(T)), 0) << x[i] << ", bits " << BitsOf(x[i]);
      }
    }
  }
}

// Partial loads and stores, against a guard page at odd addresses.
template <class T>
HWY_NOINLINE void CheckCounts() {
  const hn::ScalableTag<float> df;
  test::Random random(2);
  for (size_t count = 0; count <= hn::Lanes(df); ++count) {
    for (size_t slack : {0, 1, 3}) {
      test::Guarded<T> from(count, slack), to(count, slack);
      for (size_t i = 0; i < count; ++i) Narrow(random.Normal(), from[i]);
      float y[HWY_MAX_BYTES];
      const auto v = LoadFloatN(df, from.data(), count);
      hn::StoreU(v, df, y);
      for (size_t i = 0; i < hn::Lanes(df); ++i) {
        ASSERT_TRUE(test::SameBits(y[i], i < count ? Widen(from[i]) : 0.0f)) << i << " of " << count;
      }
      StoreFloatN(df, v, to.data(), count);
      ASSERT_EQ(memcmp(from.data(), to.data(), from.bytes()), 0) << count;
      for (size_t i = 0; i < slack; ++i) {
        ASSERT_EQ(reinterpret_cast<const uint8_t*>(to.data() + count)[i], 0xFF) << "written beyond the end";
      }
    }
  }
}

void CheckHalves() {
  CheckEveryHalf<f16>();
  CheckEveryHalf<bf16>();
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const f16 h = FromBits<f16>(static_cast<uint16_t>(bits));
    ASSERT_TRUE(test::SameBits(HalfToFloat(h), ToFloat(h))) << bits;
  }
}
void CheckRounding() {
  CheckNarrowing<f16>();
  CheckNarrowing<bf16>();
}
void CheckPartial() {
  CheckCounts<f16>();
  CheckCounts<bf16>();
  CheckCounts<BlockF32>();
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(CheckHalves);
HWY_EXPORT(CheckRounding);
HWY_EXPORT(CheckPartial);

WEFT_SIMD_TEST(ConvertTest);
TEST_P(ConvertTest, EveryHalf) { HWY_DYNAMIC_DISPATCH(CheckHalves)(); }
TEST_P(ConvertTest, Rounding) { HWY_DYNAMIC_DISPATCH(CheckRounding)(); }
TEST_P(ConvertTest, PartialVectors) { HWY_DYNAMIC_DISPATCH(CheckPartial)(); }

}  // namespace
}  // namespace weft
#endif  // HWY_ONCE
