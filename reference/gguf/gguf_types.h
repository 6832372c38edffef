// What the reader's files share about value types.
#ifndef WEFT_REFERENCE_GGUF_GGUF_TYPES_H_
#define WEFT_REFERENCE_GGUF_GGUF_TYPES_H_

#include <cstdint>

#include "reference/gguf/byte_reader.h"
#include "reference/gguf/gguf.h"

namespace weft::engine {

// Bytes of a number or bool; 0 for strings, arrays and types that GGUF does not define.
constexpr uint64_t ScalarBytes(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool: return 1;
    case GgufType::kU16:
    case GgufType::kI16: return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32: return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64: return 8;
    case GgufType::kString:
    case GgufType::kArray: return 0;
  }
  return 0;
}

// Reads the next of the arrays that an array of arrays holds, which Parse has accepted; false where its bytes have
// changed since, so that it does not fit.
bool ReadArray(ByteReader& reader, GgufArray* array);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_GGUF_GGUF_TYPES_H_
