// The alphabet in which byte-level vocabularies write their tokens: a printable character for each byte.
#ifndef WEFT_REFERENCE_TEXT_BYTE_ALPHABET_H_
#define WEFT_REFERENCE_TEXT_BYTE_ALPHABET_H_

#include <string>
#include <string_view>

namespace weft::engine {

// The bytes that `text` stands for. Bytes that print in Latin-1 (0x21..0x7E, 0xA1..0xAC, 0xAE..0xFF) are written as
// the character of that code, the others, in order, as U+0100..U+0143: a space is U+0120. A text with any other
// character stands for itself.
std::string FromByteAlphabet(std::string_view text);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_BYTE_ALPHABET_H_
