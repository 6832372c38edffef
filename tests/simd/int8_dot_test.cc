// The integer product must be exact for every code and activation on every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/simd/int8_dot_test.cc"
#include "weft/instantiate/targets.h"
// targets.h must come before foreach_target.h, and that before highway.h.
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Last of Highway's: compiled once per target.
#include "tests/kernels/random.h"
#include "tests/simd/simd_test.h"
#include "weft/formats/formats.h"
#include "weft/simd/int8_dot-inl.h"

#ifndef WEFT_TESTS_SIMD_INT8_DOT_TEST_ONCE_
#define WEFT_TESTS_SIMD_INT8_DOT_TEST_ONCE_
namespace weft {
struct Int8DotChecks {
  void (*all_formats)();
  void (*limits)();
};
}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// What a dot of operands with `activations` starts from: -zero * (sums of four activations), or 0 where the operands
// already have the zero point taken off.
template <int kZero, class D32, class VI8>
HWY_INLINE hn::Vec<D32> ZeroCorrection(D32 d32, VI8 activations) {
  if constexpr (kSignedCodes || kZero == 0) {
    (void)activations;
    return hn::Zero(d32);
  } else {
    // zero <= 128, so the pair products are at most 128 * 127 * 2 = 32512: never "wide".
    const hn::Repartition<uint8_t, D32> d8;
    const auto zeros = hn::Set(d8, static_cast<uint8_t>(kZero));
    return hn::Neg(QuadDot<false>(d32, zeros, activations, hn::Zero(d32)));
  }
}

// A vector's worth of codes and activations, and what each lane must hold.
template <int kZero, bool kWide, Products kProducts>
HWY_NOINLINE bool IsExact(const uint8_t* codes, const int8_t* activations, int32_t start) {
  const hn::ScalableTag<uint8_t> d8;
  const hn::RebindToSigned<decltype(d8)> di8;
  const hn::Repartition<int32_t, decltype(d8)> d32;
  const auto a = hn::LoadU(di8, activations);
  const auto operand = Operand<kZero>(d8, hn::LoadU(d8, codes));
  const auto from = hn::Add(ZeroCorrection<kZero>(d32, a), hn::Set(d32, start));
  int32_t sums[HWY_MAX_BYTES / 4];
  hn::StoreU(QuadDot<kWide, kProducts>(d32, operand, a, from), d32, sums);
  for (size_t lane = 0; lane < hn::Lanes(d32); ++lane) {
    int32_t expected = start;
    for (size_t i = lane * 4; i < lane * 4 + 4; ++i) expected += (codes[i] - kZero) * activations[i];
    if (sums[lane] != expected) return false;
  }
  return true;
}

// The same for products in natural order, of two and of four.
template <int kZero, int kMaxCode, bool kInPairs, Products kProducts>
HWY_NOINLINE bool IsExactInOrder(const uint8_t* codes, const int8_t* activations, int32_t start) {
  constexpr bool kMoves = MovesSigns<kProducts>(kMaxCode, kInPairs);
  constexpr int kOff = kMoves || kSignedCodes ? kZero : 0;  // what is taken off codes
  const hn::ScalableTag<uint8_t> d8;
  const hn::RebindToSigned<decltype(d8)> di8;
  const hn::Repartition<int32_t, decltype(d8)> d32;
  const auto a = hn::LoadU(di8, activations);
  const CodeOperand<kMoves, kZero, decltype(d8)> operand(hn::LoadU(d8, codes));
  const auto expected = [&](size_t first, size_t count) {
    int32_t sum = 0;
    for (size_t i = first; i < first + count; ++i) sum += (codes[i] - kOff) * activations[i];
    return sum;
  };
  if constexpr (!kInPairs) {
    int32_t sums[HWY_MAX_BYTES / 4];
    hn::StoreU(operand.template Quads<kProducts>(a, hn::Set(d32, start)), d32, sums);
    for (size_t i = 0; i < hn::Lanes(d32); ++i) {
      if (sums[i] != start + expected(4 * i, 4)) return false;
    }
  } else if constexpr (!kSignedCodes) {
    const hn::Repartition<int16_t, decltype(d8)> d16;
    int16_t sums[HWY_MAX_BYTES / 2];
    hn::StoreU(operand.Pairs(a), d16, sums);
    for (size_t i = 0; i < hn::Lanes(d16); ++i) {
      if (sums[i] != expected(2 * i, 2)) return false;
    }
  }
  return true;
}

// All pairs of one code and one activation, all patterns of extremes, and random vectors, for one kind of format.
template <int kZero, int kMaxCode, Products kProducts>
HWY_NOINLINE void CheckProducts() {
  constexpr bool kWide = kMaxCode > 127;
  constexpr size_t kBytes = HWY_MAX_BYTES;
  uint8_t codes[kBytes];
  int8_t activations[kBytes];
  const auto exact = [&](int32_t start) {
    return IsExact<kZero, kWide, kProducts>(codes, activations, start) &&
           IsExactInOrder<kZero, kMaxCode, false, kProducts>(codes, activations, start) &&
           IsExactInOrder<kZero, kMaxCode, true, kProducts>(codes, activations, start);
  };
  for (int code = 0; code <= kMaxCode; ++code) {
    for (int a = -127; a <= 127; ++a) {
      for (size_t i = 0; i < kBytes; ++i) {
        codes[i] = static_cast<uint8_t>(code);
        activations[i] = static_cast<int8_t>(a);
      }
      ASSERT_TRUE(exact(0)) << code << " * " << a << ", zero " << kZero;
    }
  }
  const uint8_t code_ends[] = {0, kMaxCode, kZero > kMaxCode ? 0 : kZero, kMaxCode / 2};
  const int8_t activation_ends[] = {-127, 127, 0, -1};
  for (unsigned pattern = 0; pattern < 65536; ++pattern) {
    for (size_t i = 0; i < kBytes; ++i) {
      codes[i] = code_ends[pattern >> (i % 4 * 4) & 3];
      activations[i] = activation_ends[pattern >> (i % 4 * 4 + 2) & 3];
    }
    ASSERT_TRUE(exact(12345)) << "pattern " << pattern << ", zero " << kZero;
  }
  test::Random random(1);
  for (int round = 0; round < 2000; ++round) {
    for (size_t i = 0; i < kBytes; ++i) {
      codes[i] = static_cast<uint8_t>(random.Below(kMaxCode + 1));
      activations[i] = static_cast<int8_t>(static_cast<int>(random.Below(255)) - 127);
    }
    const int32_t start = static_cast<int32_t>(random.Below(1 << 24)) - (1 << 23);
    ASSERT_TRUE(exact(start)) << "round " << round << ", zero " << kZero;
  }
}

template <Products kProducts>
void CheckAllFormats() {
  ForEachFormat([]<class Format>() {
    if constexpr (!kIsFloat<Format>) CheckProducts<Format::kZero, Format::kMaxCode, kProducts>();
  });
}

// The whole range that the primitive promises, whatever today's formats use.
template <Products kProducts>
void CheckTheLimits() {
  CheckProducts<0, 127, kProducts>();
  CheckProducts<64, 127, kProducts>();
  CheckProducts<1, 128, kProducts>();
  CheckProducts<64, 191, kProducts>();
  CheckProducts<128, 255, kProducts>();
}

template <Products kProducts>
constexpr Int8DotChecks kTable = {CheckAllFormats<kProducts>, CheckTheLimits<kProducts>};

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

// Every row of the list of targets, also those whose code is a Highway target's with other products.
class Int8DotTest : public testing::TestWithParam<size_t> {
 protected:
  static const Int8DotChecks& Get() {
    static constexpr const Int8DotChecks* kTables[] = {WEFT_TABLES_OF_ROWS};
    return *kTables[GetParam()];
  }
};
INSTANTIATE_TEST_SUITE_P(Targets, Int8DotTest, testing::ValuesIn(test::RowsToTest()),
                         [](const auto& test) { return units::kTargets[test.param].name; });

TEST_P(Int8DotTest, ExactForAllFormats) { Get().all_formats(); }
TEST_P(Int8DotTest, ExactAtTheLimits) { Get().limits(); }

}  // namespace
}  // namespace weft
#endif  // HWY_ONCE
