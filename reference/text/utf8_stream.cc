#include <cstdint>

#include "reference/text/tokenizer.h"
#include "reference/text/utf8.h"

namespace weft::engine {
namespace {

// How many bytes at the end of `text` are the beginning of a valid character that is not complete.
size_t IncompleteTail(std::string_view text) {
  for (size_t tail = 1; tail <= 3 && tail <= text.size(); ++tail) {
    const uint8_t first = static_cast<uint8_t>(text[text.size() - tail]);
    if ((first & 0xC0) == 0x80) continue;
    if (Utf8Length(first) <= tail) return 0;
    if (tail > 1 && !Utf8MayFollow(first, static_cast<uint8_t>(text[text.size() - tail + 1]))) return 0;
    return tail;
  }
  return 0;
}

}  // namespace

std::string Utf8Stream::Push(std::string_view piece) {
  std::string text = std::move(held_);
  text += piece;
  const size_t tail = IncompleteTail(text);
  held_ = text.substr(text.size() - tail);
  text.resize(text.size() - tail);
  return text;
}

std::string Utf8Stream::Flush() {
  std::string text = std::move(held_);
  held_.clear();
  return text;
}

}  // namespace weft::engine
