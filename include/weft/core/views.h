// Non-owning views of weights and of key/value caches.
#ifndef WEFT_CORE_VIEWS_H_
#define WEFT_CORE_VIEWS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/dtype.h"

namespace weft {

// A matrix of `rows` x `cols` weights, each row a run of blocks of `type` as they lie in a GGUF file.
//   row r starts at (const uint8_t*)data + r * row_bytes; row_bytes >= RowBytes(type, cols); any alignment.
// A range of rows, or of columns that starts and ends on block boundaries, is again such a view (sharding).
// Nothing is read past the last block of a row.
struct WeightView {
  const void* data = nullptr;
  DType type = DType::kF32;
  size_t rows = 0;
  size_t cols = 0;
  size_t row_bytes = 0;
  const float* scale = nullptr;  // an optional factor of the whole tensor (NVFP4); null means 1
};

// Bytes of `cols` consecutive elements (cols a multiple of the block size).
constexpr size_t RowBytes(DType type, size_t cols) {
  const DTypeLayout layout = LayoutOf(type);
  return layout.block_elements ? cols / layout.block_elements * layout.block_bytes : 0;
}

// A whole tensor without gaps between its rows.
constexpr WeightView MakeWeights(const void* data, DType type, size_t rows, size_t cols, const float* scale = nullptr) {
  return {data, type, rows, cols, RowBytes(type, cols), scale};
}

// Rows [first, first + count) of `w`.
constexpr WeightView RowRange(WeightView w, size_t first, size_t count) {
  w.data = static_cast<const uint8_t*>(w.data) + first * w.row_bytes;
  w.rows = count;
  return w;
}

// The keys or the values of one sequence in one layer, contiguous or paged.
//   position p, head h starts at (const uint8_t*)data
//     + (block(p) * block_length + p % block_length) * position_stride + h * head_stride       strides in bytes
//   block(p) = block_table[p / block_length].
// A contiguous cache is one block: block_table null, and the address is data + p * position_stride + h * head_stride.
struct KvView {
  const void* data = nullptr;
  DType type = DType::kF32;  // F32, F16 or BF16
  size_t position_stride = 0;
  size_t head_stride = 0;
  const uint32_t* block_table = nullptr;
  uint32_t block_length = 0;

  const uint8_t* At(size_t position, size_t head) const {
    if (block_table != nullptr) {
      position = size_t{block_table[position / block_length]} * block_length + position % block_length;
    }
    return static_cast<const uint8_t*>(data) + position * position_stride + head * head_stride;
  }
};

}  // namespace weft

#endif  // WEFT_CORE_VIEWS_H_
