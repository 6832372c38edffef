// Writes a GGUF file (version 3) front to back, so that no more than a piece of a tensor need be in memory.
//   GgufWriter writer(sink);
//   writer.AddString("general.architecture", "llama");
//   writer.AddTensor("output_norm.weight", {64}, DType::kF32);   // name, shape, type of all tensors first
//   writer.WriteData(bytes);                                     // then their data in the same order, piece by piece
//   writer.Finish();
#ifndef WEFT_REFERENCE_GGUF_GGUF_WRITER_H_
#define WEFT_REFERENCE_GGUF_GGUF_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "reference/base/result.h"
#include "reference/gguf/gguf.h"
#include "weft/weft.h"

namespace weft::engine {

class GgufWriter {
 public:
  // Takes the file's bytes in order, and says whether they could be written.
  using Sink = std::function<Result<void>(std::span<const uint8_t> bytes)>;

  explicit GgufWriter(Sink sink) : sink_(std::move(sink)) {}

  // Metadata. Keys must be distinct.
  void AddString(std::string_view key, std::string_view value);
  void AddUint(std::string_view key, uint32_t value);
  void AddFloat(std::string_view key, float value);
  void AddBool(std::string_view key, bool value);

  // A tensor, whose data follow later. shape[0] is contiguous ({cols, rows}) and a multiple of the type's block; at
  // most 4 sizes. Names must be distinct.
  void AddTensor(std::string_view name, std::span<const uint64_t> shape, DType type);
  void AddTensor(std::string_view name, std::initializer_list<uint64_t> shape, DType type) {
    AddTensor(name, std::span(shape.begin(), shape.size()), type);
  }

  // The next bytes of the tensors' data: a piece of the current tensor, never of two. What aligns tensors is added
  // here. The first call, or Finish, writes everything that comes before the data.
  Result<void> WriteData(std::span<const uint8_t> bytes);
  // Ends the file; an error where data are missing.
  Result<void> Finish();

 private:
  void BeginValue(std::string_view key, GgufType type);
  Result<void> WriteHeader();
  Result<void> Put(std::span<const uint8_t> bytes);
  Result<void> Pad();

  Sink sink_;
  std::vector<uint8_t> values_, infos_;
  std::vector<uint64_t> sizes_;  // of the tensors' data
  uint64_t keys_ = 0, offset_ = 0, written_ = 0;
  size_t current_ = 0;  // the tensor whose data come next
  uint64_t done_ = 0;   // bytes of it
  bool has_header_ = false;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_GGUF_GGUF_WRITER_H_
