#include "reference/text/byte_alphabet.h"

#include <array>
#include <cstdint>

namespace weft::engine {
namespace {

constexpr bool Prints(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr unsigned kCodes = 0x144;  // one more than the last in use
constexpr int16_t kNoByte = -1;

constexpr std::array<int16_t, kCodes> MakeBytes() {
  std::array<int16_t, kCodes> bytes{};
  bytes.fill(kNoByte);
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 0x100; ++byte) bytes[Prints(byte) ? byte : next++] = static_cast<int16_t>(byte);
  return bytes;
}

constexpr std::array<int16_t, kCodes> kBytes = MakeBytes();

}  // namespace

std::string FromByteAlphabet(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned code = static_cast<uint8_t>(text[i]);
    if (code >= 0x80) {  // all that belongs to the alphabet has two bytes: 110xxxxx 10xxxxxx
      if (code < 0xC2 || code > 0xDF || i + 1 == text.size()) return std::string(text);
      const unsigned second = static_cast<uint8_t>(text[++i]);
      if ((second & 0xC0) != 0x80) return std::string(text);
      code = (code & 0x1F) << 6 | (second & 0x3F);
    }
    if (code >= kCodes || kBytes[code] == kNoByte) return std::string(text);
    bytes += static_cast<char>(kBytes[code]);
  }
  return bytes;
}

}  // namespace weft::engine
