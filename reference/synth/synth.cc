#include "reference/synth/synth.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "reference/model/tensors.h"
#include "reference/synth/random_blocks.h"

namespace weft::engine {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

void AddKeys(const Preset& preset, GgufWriter* writer) {
  writer->AddString("general.architecture", preset.architecture);
  writer->AddString("general.name", preset.name + ", random weights");
  for (const auto& [key, value] : preset.keys) {
    const std::string name = preset.architecture + "." + key;
    if (const auto* count = std::get_if<uint32_t>(&value)) writer->AddUint(name, *count);
    if (const auto* number = std::get_if<float>(&value)) writer->AddFloat(name, *number);
    if (const auto* yes = std::get_if<bool>(&value)) writer->AddBool(name, *yes);
  }
  writer->AddString("tokenizer.ggml.model", "no_vocab");
}

// Learned positions stay in F32, as in llama.cpp's files, and so does what is no matrix.
bool StaysF32(const ModelTensor& tensor) { return tensor.shape.rows == 0 || tensor.name == "position_embd.weight"; }

// `type`, or where its blocks do not fit in a row, the first of these that fits and has kernels.
DType Fitting(DType type, size_t cols) {
  for (const DType candidate : {type, DType::kQ8_0, DType::kF16}) {
    if (HasFormat(candidate) && cols % LayoutOf(candidate).block_elements == 0) return candidate;
  }
  return DType::kF32;
}

class Synthesis {
 public:
  Synthesis(ModelConfig config, bool tied, const Mix& mix, uint64_t seed)
      : config_(std::move(config)), tied_(tied), mix_(mix), random_(seed) {
    for (const ModelTensor& tensor : RequiredTensors(config_)) Add(tensor);
    if (!tied) Add({"output.weight", 0, ShapeOf(config_, "output.weight")});
  }

  void AddInfos(GgufWriter* writer) const {
    for (const auto& [tensor, type] : tensors_) {
      const std::string name = TensorName(tensor.name, tensor.shape, tensor.layer);
      if (tensor.shape.rows == 0) writer->AddTensor(name, {tensor.shape.cols}, type);
      if (tensor.shape.rows != 0) writer->AddTensor(name, {tensor.shape.cols, tensor.shape.rows}, type);
    }
  }

  Result<void> WriteData(GgufWriter* writer) {
    for (const auto& [tensor, type] : tensors_) {
      const Result<void> written =
          tensor.shape.rows == 0 ? WriteVector(tensor, writer) : WriteMatrix(tensor, type, writer);
      if (!written.ok()) return written;
    }
    return writer->Finish();
  }

  const std::set<std::string>& notes() const { return notes_; }

 private:
  void Add(const ModelTensor& tensor) {
    DType type = DType::kF32;
    if (!StaysF32(tensor)) {
      const bool is_output = tied_ && tensor.name == "token_embd.weight";
      const DType wanted = mix_.TypeOf(is_output ? "output.weight" : tensor.name, tensor.layer, config_.layers.size());
      type = Fitting(wanted, tensor.shape.cols);
      if (type != wanted) {
        notes_.insert(std::string(tensor.name) + ": " + Name(type) + ", because rows of " +
                      std::to_string(tensor.shape.cols) + " are no multiple of " + Name(wanted) + "'s block");
      }
    }
    tensors_.emplace_back(tensor, type);
  }

  Result<void> WriteVector(const ModelTensor& tensor, GgufWriter* writer) {
    const double mean = tensor.name.ends_with("norm.weight") ? 1.0 : 0.0;
    std::vector<float> values(tensor.shape.cols);
    for (float& value : values) value = static_cast<float>(mean + 0.1 * random_.Normal());
    return writer->WriteData({reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)});
  }

  Result<void> WriteMatrix(const ModelTensor& tensor, DType type, GgufWriter* writer) {
    const size_t cols = tensor.shape.cols;
    auto pool = pools_.find({type, cols});
    if (pool == pools_.end()) {
      const float deviation = 1.0f / std::sqrt(static_cast<float>(cols));
      pool = pools_.emplace(std::pair(type, cols), RandomBlocks(type, deviation, random_)).first;
    }
    const size_t row_bytes = RowBytes(type, cols);
    const size_t rows_per_piece = std::max<size_t>(1, kPieceBytes / row_bytes);
    for (size_t row = 0; row < tensor.shape.rows; row += rows_per_piece) {
      piece_.resize(std::min(rows_per_piece, tensor.shape.rows - row) * row_bytes);
      pool->second.Fill(piece_, random_);
      if (Result<void> written = writer->WriteData(piece_); !written.ok()) return written;
    }
    return {};
  }

  ModelConfig config_;
  bool tied_;
  const Mix& mix_;
  Random random_;
  std::vector<std::pair<ModelTensor, DType>> tensors_;
  std::set<std::string> notes_;
  std::map<std::pair<DType, size_t>, RandomBlocks> pools_;
  std::vector<uint8_t> piece_;
};

}  // namespace

// That of a file without tensors.
Result<ModelConfig> ConfigOf(const Preset& preset) {
  std::vector<uint8_t> bytes;
  GgufWriter writer([&](std::span<const uint8_t> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return Result<void>();
  });
  AddKeys(preset, &writer);
  if (const Result<void> finished = writer.Finish(); !finished.ok()) return finished.error();
  const Result<Gguf> file = Gguf::Parse(bytes, preset.name);
  if (!file.ok()) return file.error();
  return ReadConfig(*file);
}

Result<void> Synthesize(const Preset& preset, const Mix& mix, uint64_t seed, const GgufWriter::Sink& sink,
                        const std::function<void(const std::string&)>& note) {
  Result<ModelConfig> config = ConfigOf(preset);
  if (!config.ok()) return config.error();
  Synthesis synthesis(*std::move(config), preset.tied, mix, seed);
  if (note) std::ranges::for_each(synthesis.notes(), note);
  GgufWriter writer(sink);
  AddKeys(preset, &writer);
  synthesis.AddInfos(&writer);
  return synthesis.WriteData(&writer);
}

}  // namespace weft::engine
