// Arguments of writing keys or values into a cache.
#ifndef WEFT_CORE_STORE_KV_ARGS_H_
#define WEFT_CORE_STORE_KV_ARGS_H_

#include <stddef.h>

#include "weft/core/views.h"

namespace weft {

// cache[first_position + t, h, i] = x[t, h, i] for t < tokens, h < heads, i < size, converted to the type of the cache
// (rounded to nearest even, NaN stays NaN: the same bits as Quantize). Token t, head h is at
// x + t * token_stride + h * head_stride (floats, aligned as floats; one token's heads, a projection of q, k and v
// fused and heads first are all such strides). The cache may have any alignment; nothing of it but those elements is
// written.
//
// The cache must not overlap x, and each element has a place of its own: heads within a position or positions within a
// head, and, where it is paged, every block that is written occurs once in the block table.
struct StoreKvArgs {
  const float* x = nullptr;
  size_t token_stride = 0, head_stride = 0;
  size_t tokens = 0, heads = 0, size = 0;
  KvView cache = {};  // its data is what is written
  size_t first_position = 0;
  size_t capacity = 0;  // positions that the cache has room for (paged: that block_table covers)
};

}  // namespace weft

#endif  // WEFT_CORE_STORE_KV_ARGS_H_
