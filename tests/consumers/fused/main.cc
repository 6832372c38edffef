// weft's kernels inside a Highway module of one's own: compiled for each of its targets, called without dispatch.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "main.cc"
#include <hwy/foreach_target.h>  // before anything else of Highway

#include <hwy/highway.h>
#include <stdio.h>
#include <weft/formats/q8_0-inl.h>
#include <weft/kernels/activate-inl.h>
#include <weft/kernels/dot-inl.h>

#include <vector>

#include "../problem.h"

HWY_BEFORE_NAMESPACE();
namespace consumer {
namespace HWY_NAMESPACE {

// y = W x, eight rows at a time; returns the index of the largest element, found while it is in cache.
size_t MultiplyAndFindLargest(weft::WeightView w, const float* x, weft::ActivationView form, float* y) {
  namespace kernels = weft::HWY_NAMESPACE;
  kernels::Activate<weft::ActivationForm::kA32>({x, w.cols, 0, 1, form});
  const weft::TokenList token{form, nullptr, 0, 1};
  std::vector<uint8_t> lanes(kernels::DotTokenBytes<weft::Q8_0>(w.cols));
  kernels::PackDotTokens<weft::Q8_0>({.tokens = token, .cols = w.cols, .out = lanes.data()});
  size_t largest = 0;
  for (size_t row = 0; row < w.rows; row += 8) {
    const size_t count = HWY_MIN(w.rows - row, size_t{8});
    kernels::DotRows<weft::Q8_0>({token, lanes.data(), w, row, count, y + row, count});
    for (size_t i = row; i < row + count; ++i) {
      if (y[i] > y[largest]) largest = i;
    }
  }
  return largest;
}

}  // namespace HWY_NAMESPACE
}  // namespace consumer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace consumer {
HWY_EXPORT(MultiplyAndFindLargest);

int Main() {
  const Problem problem;
  const size_t rows = Problem::kRows, cols = Problem::kCols, block = 32;
  std::vector<weft::BlockQ8_0> blocks(rows * cols / block);
  std::vector<float> decoded(rows * cols);
  for (size_t i = 0; i < blocks.size(); ++i) {
    weft::Q8_0::Encode(&problem.weights[i * block], blocks[i]);
    weft::Decoded<weft::Q8_0> values;
    weft::Q8_0::Decode(blocks[i], values);
    for (size_t e = 0; e < block; ++e) {
      decoded[i * block + e] = values.scale[0] * static_cast<float>(values.code[e] - weft::Q8_0::kZero);
    }
  }

  std::vector<signed char> codes(cols);
  std::vector<float> scales(cols / 32);
  std::vector<int16_t> sums(cols / weft::kSumGroup);
  const weft::ActivationView form = {codes.data(),
                                     codes.size(),
                                     scales.data(),
                                     scales.size(),
                                     sums.data(),
                                     sums.size(),
                                     1,
                                     cols,
                                     weft::ActivationForm::kA32};
  std::vector<float> y(rows);
  const size_t largest = HWY_DYNAMIC_DISPATCH(MultiplyAndFindLargest)(
      weft::MakeWeights(blocks.data(), weft::DType::kQ8_0, rows, cols), problem.x.data(), form, y.data());
  const bool found = largest == static_cast<size_t>(std::max_element(y.begin(), y.end()) - y.begin());
  return problem.Check("fused Q8_0", decoded, 32, y) && found ? 0 : 1;
}
}  // namespace consumer

int main() { return consumer::Main(); }
#endif  // HWY_ONCE
