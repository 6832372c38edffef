// Dequantising, looking rows up and quantising: every format on every target, in memory of the exact size.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "tests/fuzz/input.h"
#include "weft/scalar/decode.h"
#include "weft/weft.h"

namespace weft::fuzz {
namespace {

bool SameBits(const float* a, const float* b, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (BitsOf(a[i]) != BitsOf(b[i]) && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  }
  return true;
}

// Bytes at any alignment that end where the memory ends.
class Bytes {
 public:
  Bytes(size_t size, size_t misaligned) : misaligned_(misaligned), bytes_(size + misaligned) {}
  uint8_t* data() { return bytes_.data() + misaligned_; }
  size_t size() const { return bytes_.size() - misaligned_; }

 private:
  size_t misaligned_;
  std::vector<uint8_t> bytes_;
};

template <class F>
void OnEveryTarget(const F& f) {
  for (size_t i = 0; i < TargetCount(); ++i) {
    const TargetInfo target = GetTarget(i);
    if (!target.supported) continue;
    Expect(SetTarget(target.name).ok(), "a supported target cannot be set");
    f(target.name);
  }
  Expect(SetTarget(nullptr).ok(), "the automatic choice cannot be restored");
}

std::vector<DType> Types() {
  std::vector<DType> types;
  for (size_t id = 0; id < kDTypeEnd; ++id) {
    if (HasFormat(static_cast<DType>(id))) types.push_back(static_cast<DType>(id));
  }
  return types;
}

std::string At(DType type, const char* target) { return std::string(Name(type)) + " on " + target; }

// Any bytes are blocks.
void Decode(Input& input, DType type) {
  const size_t rows = 1 + input.Below(3), blocks = 1 + input.Below(LayoutOf(type).block_elements == 1 ? 70 : 9);
  const size_t cols = blocks * LayoutOf(type).block_elements, n = rows * cols;
  const size_t gap = input.Below(4), row_bytes = RowBytes(type, cols) + gap;
  Bytes bytes(rows * row_bytes - gap, input.Below(8));
  Noise noise(input.Bits(2));
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes.data()[i] = input.left() > 0 ? input.Byte() : static_cast<uint8_t>(noise.Bits());
  }
  std::vector<float> expected(n);
  std::vector<uint32_t> ids(rows);
  for (size_t row = 0; row < rows; ++row) {
    scalar::Dequantize(type, bytes.data() + row * row_bytes, &expected[row * cols], cols);
    ids[row] = static_cast<uint32_t>(row);
  }
  OnEveryTarget([&](const char* target) {
    std::vector<float> y(cols), all(n);
    Expect(Dequantize(type, bytes.data(), y.data(), cols).ok(), "Dequantize refuses good arguments");
    Expect(SameBits(y.data(), expected.data(), cols), "Dequantize is not the reference: " + At(type, target));
    GetRowsArgs args;
    args.w = MakeWeights(bytes.data(), type, rows, cols);
    args.w.row_bytes = row_bytes;
    args.ids = ids.data();
    args.count = rows;
    args.y = all.data();
    args.y_stride = cols;
    Expect(GetRows(args).ok(), "GetRows refuses good arguments");
    Expect(SameBits(all.data(), expected.data(), n), "GetRows is not the reference: " + At(type, target));
  });
}

// What there is to encode: groups of numbers of one kind each.
std::vector<float> Numbers(Input& input, size_t n) {
  std::vector<float> x(n);
  Noise noise(input.Bits(2));
  size_t i = 0;
  while (i < n) {
    const size_t end = std::min(n, i + 1 + input.Below(64)), kind = input.Below(8);
    const float value = input.Float(), scale = std::ldexp(1.0f, static_cast<int>(input.Below(40)) - 25);
    for (; i < end; ++i) {
      switch (kind) {
        case 0: x[i] = noise.Uniform() * scale; break;
        case 1: x[i] = value; break;
        case 2: x[i] = 0.0f; break;
        case 3: x[i] = i % 2 == 0 ? scale : -scale; break;
        case 4: x[i] = scale * static_cast<float>(static_cast<int>(noise.Bits() % 17) - 8); break;
        case 5: x[i] = scale + noise.Uniform() * scale * 0x1p-10f; break;
        case 6: x[i] = FloatOf(noise.Bits()); break;
        default: x[i] = input.Float();
      }
    }
  }
  return x;
}

// The scalar encoder's bytes, on every target; of usual numbers, numbers.
void Encode(Input& input, DType type) {
  const DTypeLayout layout = LayoutOf(type);
  const size_t n = (1 + input.Below(layout.block_elements == 1     ? 70
                                    : layout.block_elements == 256 ? 2
                                                                   : 9)) *
                   layout.block_elements;
  const size_t misaligned = input.Below(8);
  const std::vector<float> x = Numbers(input, n);
  std::vector<uint8_t> expected(RowBytes(type, n));
  scalar::Quantize(type, x.data(), expected.data(), n);
  const bool usual = std::all_of(x.begin(), x.end(), [](float v) { return std::fabs(v) < 32768.0f; });  // not NaN
  OnEveryTarget([&](const char* target) {
    Bytes blocks(RowBytes(type, n), misaligned);
    Expect(Quantize(type, x.data(), blocks.data(), n).ok(), "Quantize refuses good arguments");
    std::vector<float> y(n);
    Expect(Dequantize(type, blocks.data(), y.data(), n).ok(), "Dequantize refuses good arguments");
    Expect(std::memcmp(blocks.data(), expected.data(), expected.size()) == 0,
           "Quantize is not the reference: " + At(type, target));
    if (usual) {
      const bool finite = std::all_of(y.begin(), y.end(), [](float v) { return std::isfinite(v); });
      Expect(finite, "Quantize makes infinities of numbers: " + At(type, target));
    }
  });
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::fuzz;  // NOLINT
  static const std::vector<weft::DType> types = Types();
  Input input(data, size);
  const weft::DType type = input.Pick(types);
  if (input.Below(2) == 0) {
    Decode(input, type);
  } else {
    Encode(input, type);
  }
  return 0;
}
