// The same with what kernels ask of a format per target. For one target.
#include "probe.h"

#include <hwy/highway.h>
#include <weft/kernels/format_table-inl.h>

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

using Small = probe::Format<DType::kQ5_0, 32, 8, 15, false, false>;  // blocks of 22 bytes
using Large = probe::Format<DType::kQ4_K, 32, 0, 15, true, true>;    // of 144

// Codes of 4 bits at the end of a block; each test says how many bytes of them there are, and the factors.
template <size_t kBegin, size_t kEnd>
struct ProbeCodes {
  static constexpr size_t kCodesBegin = kBegin, kCodesEnd = kEnd;
  template <class D8, class Bytes>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const Bytes& bytes, size_t first) {
    return LowNibbles(d8, bytes.Load(d8, kBegin + first / 2 % (kEnd - kBegin) / 4 * 4));
  }
  template <class Block, class To>
  static HWY_INLINE void Scales(const Block&, To&) {}
};
inline auto ProbeFloats() { return hn::Zero(RowFloatTag()); }
inline auto ProbeIntegers() { return hn::Zero(RowDwordTag()); }

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();
