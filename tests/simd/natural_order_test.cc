// A format's fast path gives the same bits as its codes in natural order and its factors block by block.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/simd/natural_order_test.cc"
#include "weft/instantiate/targets.h"
// targets.h must come before foreach_target.h, and that before highway.h.
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Last of Highway's: compiled once per target.
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/simd/simd_test.h"
#include "weft/formats/formats-inl.h"
#include "weft/formats/formats.h"
#include "weft/kernels/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace {

// `Format` without its fast paths.
template <class Format>
struct Natural : Format {};

}  // namespace

template <class Format>
struct Unpack<Natural<Format>> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockBytes& bytes, size_t first) {
    return Unpack<Format>::Codes(d8, bytes, first);
  }
  static HWY_INLINE void Scales(const typename Format::Block& block, GroupFactors<Natural<Format>>& to) {
    GroupFactors<Format> factors;
    Unpack<Format>::Scales(block, factors);
    static_assert(sizeof(factors) == sizeof(to));
    memcpy(&to, &factors, sizeof(to));
  }
};

namespace {

template <class Format, Precision kPrecision>
void CheckPanels() {
  constexpr PanelClass kClass = PanelClassOf<Format, FormOf<Format>(kPrecision), Products::kTarget>();
  static_assert(kHasRowCodes<Format> && kHasRowScales<Format>);
  static_assert(!kHasRowCodes<Natural<Format>> && !kHasRowScales<Natural<Format>>);
  constexpr size_t kCols = 512;
  const size_t row_bytes = RowBytes(Format::kType, kCols);
  test::Random random(1);
  const std::vector<uint8_t> bytes = random.Bytes(row_bytes * kPanelRows);  // any scales, NaNs as well
  PackTask task;
  task.w = MakeWeights(bytes.data(), Format::kType, kPanelRows, kCols);
  task.cols = kCols;
  for (size_t rows : {kPanelRows, kPanelRows - 1}) {
    task.rows = rows;
    test::Guarded<uint8_t> fast(PanelBytes<kClass>(kCols)), natural(fast.bytes());
    task.panel = fast.data();
    PackPanel<Format, kClass>(task);
    task.panel = natural.data();
    PackPanel<Natural<Format>, kClass>(task);
    EXPECT_EQ(memcmp(fast.data(), natural.data(), fast.bytes()), 0) << Name(Format::kType) << ", " << rows << " rows";
  }
}

void CheckFormats() {
  ForEachFormat([]<class Format>() {
    if constexpr (!kIsFloat<Format>) {
      CheckPanels<Format, Precision::kFast>();
      if constexpr (FormOf<Format>(Precision::kFast) != FormOf<Format>(Precision::kFine)) {
        CheckPanels<Format, Precision::kFine>();
      }
    }
  });
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(CheckFormats);

WEFT_SIMD_TEST(NaturalOrderTest);

TEST_P(NaturalOrderTest, PanelsAreTheSame) { HWY_DYNAMIC_DISPATCH(CheckFormats)(); }

}  // namespace
}  // namespace weft
#endif  // HWY_ONCE
