// What a GGUF file is for.
#ifndef WEFT_REFERENCE_MODEL_FILE_ROLE_H_
#define WEFT_REFERENCE_MODEL_FILE_ROLE_H_

#include "reference/base/result.h"
#include "reference/gguf/gguf.h"

namespace weft::engine {

// An error for a file that is no language model, or not one by itself, which says what it is: an adapter (LoRA), a
// projector for images or sound, an importance matrix; a part of a split model (the file's name, if it is a path, tells
// which of the other parts are not beside it); files that were joined.
Result<void> CheckIsModel(const Gguf& file);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_FILE_ROLE_H_
