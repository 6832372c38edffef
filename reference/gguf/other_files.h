// Files that people take for GGUF files.
#ifndef WEFT_REFERENCE_GGUF_OTHER_FILES_H_
#define WEFT_REFERENCE_GGUF_OTHER_FILES_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace weft::engine {

// What a file that is not GGUF seems to be by its first bytes, and what to do about it, to follow "is not a GGUF file
// but "; empty where it resembles none that is known.
std::string_view DescribeOtherFile(std::span<const uint8_t> bytes);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_GGUF_OTHER_FILES_H_
