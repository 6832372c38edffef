// The largest elements of rows.

#if defined(WEFT_KERNELS_TOP_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_TOP_K_INL_H_
#undef WEFT_KERNELS_TOP_K_INL_H_
#else
#define WEFT_KERNELS_TOP_K_INL_H_
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include <algorithm>

#include "hwy/highway.h"
#include "weft/core/op_args.h"
#include "weft/core/strict_math.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The columns chosen so far: a heap in the caller's output, the worst of them first. Their values are looked up in the
// row, which has just been read.
class Chosen {
 public:
  Chosen(const float* x, uint32_t* indices) : better_{x}, indices_(indices) {}

  size_t count() const { return count_; }
  // Before the heap is in order.
  void Append(size_t column) { indices_[count_++] = static_cast<uint32_t>(column); }
  void MakeHeap() { std::make_heap(indices_, indices_ + count_, better_); }
  float Worst() const { return better_.x[indices_[0]]; }
  void ReplaceWorst(size_t column) {
    std::pop_heap(indices_, indices_ + count_, better_);
    indices_[count_ - 1] = static_cast<uint32_t>(column);
    std::push_heap(indices_, indices_ + count_, better_);
  }
  // Best first. Ends the heap.
  void Sort() { std::sort_heap(indices_, indices_ + count_, better_); }

 private:
  // A total order of numbers, so that the result does not depend on how the standard library sorts.
  struct Better {
    const float* x;
    bool operator()(uint32_t a, uint32_t b) const { return x[a] > x[b] || (x[a] == x[b] && a < b); }
  };
  Better better_;
  uint32_t* indices_;
  size_t count_ = 0;
};

// Columns come in ascending order: one that equals the worst so far has the higher index and stays out. Most vectors
// hold nothing that is better.
HWY_INLINE void Scan(const float* x, size_t column, size_t cols, Chosen& chosen) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  float worst = chosen.Worst();
  const auto one_by_one = [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      if (!(x[i] > worst)) continue;
      chosen.ReplaceWorst(i);
      worst = chosen.Worst();
    }
  };
  for (; column + 4 * lanes <= cols; column += 4 * lanes) {
    const auto limit = hn::Set(df, worst);
    const auto above = [&](size_t i) HWY_ATTR { return hn::Gt(hn::LoadU(df, x + column + i * lanes), limit); };
    const auto m0 = above(0), m1 = above(1), m2 = above(2), m3 = above(3);
    if (HWY_LIKELY(hn::AllFalse(df, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3))))) continue;
    if (!hn::AllFalse(df, m0)) one_by_one(column, column + lanes);
    if (!hn::AllFalse(df, m1)) one_by_one(column + lanes, column + 2 * lanes);
    if (!hn::AllFalse(df, m2)) one_by_one(column + 2 * lanes, column + 3 * lanes);
    if (!hn::AllFalse(df, m3)) one_by_one(column + 3 * lanes, column + 4 * lanes);
  }
  one_by_one(column, cols);
}

// Rows [first, first + count) of TopKArgs.
inline void TopKRows(const TopKArgs& args, size_t first, size_t count) {
  for (size_t row = first; row < first + count; ++row) {
    const float* x = args.x + row * args.stride;
    uint32_t* indices = args.indices + row * args.index_stride;
    Chosen chosen(x, indices);
    size_t column = 0;
    for (; column < args.cols && chosen.count() < args.k; ++column) {
      if (!isnan(x[column])) chosen.Append(column);
    }
    chosen.MakeHeap();
    if (column < args.cols) Scan(x, column, args.cols, chosen);
    chosen.Sort();
    for (size_t i = chosen.count(); i < args.k; ++i) indices[i] = kNoIndex;
    if (args.values == nullptr) continue;
    float* values = args.values + row * args.value_stride;
    for (size_t i = 0; i < args.k; ++i) values[i] = i < chosen.count() ? x[indices[i]] : -INFINITY;
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
