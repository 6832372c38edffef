// The normative reference, part 1: weights as numbers. Generic over the format (weft/formats/format.h).
//
// scalar/ is the truth that every kernel is tested against: plain C++, written for clarity, in double wherever the
// result is not defined bit for bit. Results come back as dense arrays of doubles, so that a test can bound a kernel's
// rounding without the reference's own. Arguments are trusted: Validate() is for the library's entry points.
#ifndef WEFT_SCALAR_DECODE_H_
#define WEFT_SCALAR_DECODE_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vector>

#include "weft/core/matmul_args.h"
#include "weft/core/views.h"
#include "weft/formats/formats.h"

namespace weft::scalar {

// Calls f.template operator()<Format>() for the format of that type; false where there is none.
template <class F>
bool VisitFormat(DType type, const F& f) {
  bool found = false;
  ForEachFormat([&]<class Format>() {
    if (Format::kType != type) return;
    f.template operator()<Format>();
    found = true;
  });
  return found;
}

// Block `index` of a run of them, at any alignment.
template <class Format>
typename Format::Block LoadBlock(const void* blocks, size_t index) {
  typename Format::Block block;
  memcpy(&block, static_cast<const uint8_t*>(blocks) + index * sizeof(block), sizeof(block));
  return block;
}

// Calls f(element, scale, code - zero, offset) for n elements of a quantised format, in order.
template <class Format, class F>
void ForEachCode(const void* blocks, size_t n, const F& f) {
  Decoded<Format> decoded = {};  // gcc cannot see that the first turn fills it
  for (size_t i = 0; i < n; ++i) {
    const size_t e = i % kBlockElements<Format>, g = e / Format::kGroup;
    if (e == 0) Format::Decode(LoadBlock<Format>(blocks, i / kBlockElements<Format>), decoded);
    f(i, decoded.scale[g], static_cast<int>(decoded.code[e]) - Format::kZero, decoded.offset[g]);
  }
}

// y[0, n) = the elements of `blocks` as GGUF defines them, bit for bit: the product and the difference are each
// rounded to float. n is a multiple of the block size.
template <class Format>
void Dequantize(const void* blocks, float* y, size_t n) {
  if constexpr (kIsFloat<Format>) {
    for (size_t i = 0; i < n; ++i) y[i] = Format::Decode(LoadBlock<Format>(blocks, i));
  } else {
    ForEachCode<Format>(blocks, n, [y](size_t i, float scale, int code, float offset) {
      // Exact in double and rounded by the cast, so that no compiler can fuse it with the subtraction.
      const float product = static_cast<float>(static_cast<double>(scale) * code);
      y[i] = Format::kHasOffset ? product - offset : product;
    });
  }
}
inline bool Dequantize(DType type, const void* blocks, float* y, size_t n) {
  return VisitFormat(type, [&]<class Format>() { Dequantize<Format>(blocks, y, n); });
}

// A number in double, and the sum of the magnitudes of what was added up to get it, to which the rounding errors of a
// float computation of the same are proportional.
struct Exact {
  double value = 0.0;
  double magnitude = 0.0;
};

// The same elements as products use them: scale * (code - zero) - offset without rounding to float.
inline std::vector<Exact> ExactWeights(DType type, const void* blocks, size_t n) {
  std::vector<Exact> w(n);
  VisitFormat(type, [&]<class Format>() {
    if constexpr (kIsFloat<Format>) {
      for (size_t i = 0; i < n; ++i) {
        w[i].value = Format::Decode(LoadBlock<Format>(blocks, i));
        w[i].magnitude = fabs(w[i].value);
      }
    } else {
      ForEachCode<Format>(blocks, n, [&w](size_t i, float scale, int code, float offset) {
        const double product = static_cast<double>(scale) * code;
        w[i] = {product - offset, fabs(product) + fabs(offset)};
      });
    }
  });
  return w;
}

// Row `row` of a matrix, the tensor's factor included.
inline std::vector<Exact> WeightRow(const WeightView& w, size_t row) {
  const uint8_t* blocks = static_cast<const uint8_t*>(w.data) + row * w.row_bytes;
  std::vector<Exact> weights = ExactWeights(w.type, blocks, w.cols);
  if (w.scale != nullptr) {
    for (Exact& weight : weights) weight = {weight.value * *w.scale, weight.magnitude * fabs(*w.scale)};
  }
  return weights;
}

// x[0, n) to blocks. n is a multiple of the block size.
template <class Format>
void Quantize(const float* x, void* blocks, size_t n) {
  for (size_t i = 0; i < n / kBlockElements<Format>; ++i) {
    typename Format::Block block;
    if constexpr (kIsFloat<Format>) {
      block = Format::Encode(x[i]);
    } else {
      Format::Encode(x + i * kBlockElements<Format>, block);
    }
    memcpy(static_cast<uint8_t*>(blocks) + i * sizeof(block), &block, sizeof(block));
  }
}
// False where there is no such format, or one that can only be read.
inline bool Quantize(DType type, const float* x, void* blocks, size_t n) {
  bool done = false;
  VisitFormat(type, [&]<class Format>() {
    if constexpr (kCanEncode<Format>) {
      Quantize<Format>(x, blocks, n);
      done = true;
    }
  });
  return done;
}

// [count][w.cols]: see GetRowsArgs.
inline std::vector<double> GetRows(const GetRowsArgs& args) {
  std::vector<double> y;
  y.reserve(args.count * args.w.cols);
  for (size_t i = 0; i < args.count; ++i) {
    for (const Exact& weight : WeightRow(args.w, args.ids[i])) y.push_back(args.scale * weight.value);
  }
  return y;
}

}  // namespace weft::scalar

#endif  // WEFT_SCALAR_DECODE_H_
