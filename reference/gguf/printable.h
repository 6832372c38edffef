// Text from a file, made fit for a message.
#ifndef WEFT_REFERENCE_GGUF_PRINTABLE_H_
#define WEFT_REFERENCE_GGUF_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace weft::engine {

// `text` with control characters and bytes that are not UTF-8 written as \n, \t or \xNN, so that a hostile file can
// neither drive the terminal nor fake a line, and with "..." in place of what follows the first `limit` bytes.
std::string Printable(std::string_view text, size_t limit = 96);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_GGUF_PRINTABLE_H_
