// Reads forward through bytes that are not trusted.
#ifndef WEFT_REFERENCE_GGUF_BYTE_READER_H_
#define WEFT_REFERENCE_GGUF_BYTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace weft::engine {

// A little-endian number at any address.
template <class T>
T LoadAt(const uint8_t* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

// Functions return false where too few bytes remain. Lengths are compared with what remains, so that no sum of a
// position and a length can wrap around.
class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  const uint8_t* next() const { return bytes_.data() + position_; }

  bool Skip(uint64_t count) {
    if (count > remaining()) return false;
    position_ += static_cast<size_t>(count);
    return true;
  }
  template <class T>
  bool Read(T* value) {
    if (sizeof(T) > remaining()) return false;
    *value = LoadAt<T>(next());
    position_ += sizeof(T);
    return true;
  }
  // A u64 length and as many characters, which stay where they are.
  bool ReadString(std::string_view* text) {
    uint64_t length;
    if (!Read(&length)) return false;
    const char* characters = reinterpret_cast<const char*>(next());
    if (!Skip(length)) return false;
    *text = {characters, static_cast<size_t>(length)};
    return true;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_GGUF_BYTE_READER_H_
