// Which bytes are UTF-8.
#ifndef WEFT_REFERENCE_TEXT_UTF8_H_
#define WEFT_REFERENCE_TEXT_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::engine {

// The length of the character that `first` starts; 0: no character starts with this byte.
inline size_t Utf8Length(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

// Whether a character that starts with `first` may go on with `second`: not an overlong form, a surrogate or a code
// above U+10FFFF.
inline bool Utf8MayFollow(uint8_t first, uint8_t second) {
  const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

// The length of the character at the start of `text`; 0: there is none that is valid and complete.
inline size_t ValidUtf8Length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const size_t length = Utf8Length(byte(0));
  if (length > text.size() || (length > 1 && !Utf8MayFollow(byte(0), byte(1)))) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_UTF8_H_
