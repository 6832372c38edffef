#include "reference/gguf/printable.h"

#include <cstdint>
#include <cstdio>

namespace weft::engine {
namespace {

// The length of the printable UTF-8 character that starts at text[at]; 0 where there is none.
size_t CharacterAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const uint8_t lead = byte(at);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7F ? 1 : 0;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const uint8_t second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool beyond = (lead == 0xED && second >= 0xA0) || (lead == 0xF4 && second >= 0x90);
  const bool control = lead == 0xC2 && second < 0xA0;
  return overlong || beyond || control ? 0 : length;
}

}  // namespace

std::string Printable(std::string_view text, size_t limit) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = CharacterAt(text, at);
    if (at + (length == 0 ? 1 : length) > limit) return out + "...";
    if (length > 0) {
      out.append(text.substr(at, length));
      at += length;
      continue;
    }
    const uint8_t byte = static_cast<uint8_t>(text[at++]);
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else {
      char escape[5];
      std::snprintf(escape, sizeof(escape), "\\x%02X", byte);
      out += escape;
    }
  }
  return out;
}

}  // namespace weft::engine
