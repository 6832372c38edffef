#ifndef WEFT_REFERENCE_TEXT_TOKEN_ID_H_
#define WEFT_REFERENCE_TEXT_TOKEN_ID_H_

#include <cstdint>

namespace weft::engine {

// A token's place in the vocabulary.
using TokenId = uint32_t;

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_TOKEN_ID_H_
