#include <cstdint>

#include "reference/text/tokenizer.h"

namespace weft::engine {
namespace {

// The length of the character that `first` starts; 0: no character starts with this byte.
size_t CharacterLength(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

// Whether a character that starts with `first` may go on with `second`: not an overlong form, a surrogate or a code
// above U+10FFFF.
bool MayFollow(uint8_t first, uint8_t second) {
  const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

// How many bytes at the end of `text` are the beginning of a valid character that is not complete.
size_t IncompleteTail(std::string_view text) {
  for (size_t tail = 1; tail <= 3 && tail <= text.size(); ++tail) {
    const uint8_t first = static_cast<uint8_t>(text[text.size() - tail]);
    if ((first & 0xC0) == 0x80) continue;
    if (CharacterLength(first) <= tail) return 0;
    if (tail > 1 && !MayFollow(first, static_cast<uint8_t>(text[text.size() - tail + 1]))) return 0;
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
