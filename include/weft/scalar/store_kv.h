// The normative reference, part 6: writing into a cache of keys or values.
#ifndef WEFT_SCALAR_STORE_KV_H_
#define WEFT_SCALAR_STORE_KV_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/store_kv_args.h"
#include "weft/scalar/decode.h"

namespace weft::scalar {

inline void StoreKv(const StoreKvArgs& args) {
  for (size_t t = 0; t < args.tokens; ++t) {
    for (size_t h = 0; h < args.heads; ++h) {
      uint8_t* to = const_cast<uint8_t*>(args.cache.At(args.first_position + t, h));
      scalar::Quantize(args.cache.type, args.x + t * args.token_stride + h * args.head_stride, to, args.size);
    }
  }
}

}  // namespace weft::scalar

#endif  // WEFT_SCALAR_STORE_KV_H_
