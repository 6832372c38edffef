// Loading and running: a model file that the input describes (or that it is, where it starts with "GGUF") is parsed and
// loaded, and what loads reads three tokens. The tensors are those that the engine says a configuration needs, so that
// a new family of models needs no line here but its name.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "reference/gguf/gguf.h"
#include "reference/model/model.h"
#include "reference/model/tensors.h"
#include "reference/model/transformer.h"
#include "tests/engine/gguf_writer.h"
#include "tests/fuzz/input.h"

namespace weft::fuzz {
namespace {

using engine::Gguf;
using engine::GgufType;
using engine::ModelConfig;
using engine::test::GgufField;
using engine::test::GgufWriter;

constexpr char kName[] = "fuzzed.gguf";
constexpr const char* kFamilies[] = {"llama", "granite", "qwen2", "qwen3", "gpt2"};
constexpr uint64_t kMostElements = 1 << 17;  // of all tensors: 512 KiB of floats
constexpr size_t kContext = 8;

// Whether there is a value; an error is a sentence about the file, or about the memory that there is not.
template <class T>
bool Succeeded(const engine::Result<T>& result) {
  if (result.ok()) return true;
  const std::string& text = result.error().message;
  Expect(!text.empty() && text.size() < 1000, "an error without words, or without end: " + text);
  for (const char c : text) Expect(static_cast<uint8_t>(c) >= 0x20, "an error with control characters: " + text);
  return false;
}

class ModelFile {
 public:
  explicit ModelFile(Input& input) : input_(input), usual_type_(Type()) {
    Keys();
    const std::vector<uint8_t> keys = writer_.Finish();
    const auto file = Gguf::Parse(keys, kName);
    Expect(file.ok(), "a good file is not read");
    const auto config = engine::ReadConfig(*file);
    if (Succeeded(config)) Tensors(*config);
  }

  // Empty: no tensors of a believable size.
  std::vector<uint8_t> Write() {
    if (!has_tensors_) return {};
    std::vector<uint8_t> bytes = writer_.Finish();
    const std::vector<GgufField>& fields = writer_.fields();
    if (!input_.Rarely(4)) return bytes;
    for (size_t count = 1 + input_.Below(3); count > 0; --count) {
      const GgufField& field = input_.Pick(fields);
      engine::test::Patch(bytes, field, input_.Rarely(2) ? input_.Extreme() : input_.Below(64));
    }
    bytes.resize(bytes.size() - (input_.Rarely(8) ? input_.Below(bytes.size()) : 0));
    return bytes;
  }

 private:
  DType Type() {
    constexpr DType kTypes[] = {DType::kF32,  DType::kQ8_0, DType::kQ4_K, DType::kF16, DType::kQ4_0,
                                DType::kBF16, DType::kQ4_1, DType::kQ6_K, DType::kQ2_K};
    return input_.Pick(kTypes);
  }

  // The usual value; now and then none, or something else.
  void Key(const std::string& key, uint64_t usual) {
    switch (input_.Below(48)) {
      case 40: return;
      case 41: writer_.AddUint(key, input_.Extreme(), GgufType::kU64); return;
      case 42: writer_.AddInt(key, -static_cast<int64_t>(usual)); return;
      case 43: writer_.AddFloat(key, input_.Float()); return;
      case 44: writer_.AddString(key, input_.Text(4)); return;
      case 45: writer_.AddInts(key, std::vector<int64_t>(input_.Below(4), static_cast<int64_t>(usual))); return;
      case 46: writer_.AddInts(key, {static_cast<int64_t>(usual), static_cast<int64_t>(input_.Byte())}); return;
      case 47: writer_.AddUint(key, input_.Below(300)); return;
      default: writer_.AddUint(key, usual);
    }
  }
  void Number(const std::string& key, float usual) {
    if (input_.Rarely(24)) return Key(key, static_cast<uint64_t>(usual));
    writer_.AddFloat(key, input_.Rarely(24) ? input_.Float() : usual);
  }

  void Keys() {
    const std::string family = input_.Pick(kFamilies);
    if (input_.Rarely(32)) writer_.SetAlignment(static_cast<uint32_t>(8 << input_.Below(4)));
    writer_.AddString("general.architecture", family);
    const std::string p = family + ".";
    constexpr uint64_t kWidths[] = {32, 64, 256, 16, 48, 1}, kHeads[] = {2, 1, 4, 8};
    Key(p + "block_count", 1 + input_.Below(2));
    Key(p + "context_length", kContext << input_.Below(2));
    Key(p + "embedding_length", input_.Pick(kWidths));
    Key(p + "feed_forward_length", input_.Pick(kWidths));
    const uint64_t heads = input_.Pick(kHeads);
    Key(p + "attention.head_count", heads);
    Key(p + "attention.head_count_kv", std::max<uint64_t>(1, heads >> input_.Below(3)));
    if (input_.Rarely(2)) Key(p + "attention.key_length", 8 + 8 * input_.Below(4));
    if (input_.Rarely(2)) Key(p + "attention.value_length", 8 + 8 * input_.Below(4));
    Key(p + "vocab_size", 5 + input_.Below(40));
    Number(p + (family == "gpt2" ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"), 1e-5f);
    if (family == "granite" || input_.Rarely(8)) {
      for (const char* key : {"embedding_scale", "residual_scale", "attention.scale", "logit_scale"}) {
        Number(p + key, 0.5f);
      }
    }
    if (input_.Rarely(4)) {
      Key(p + "rope.dimension_count", 2 + 2 * input_.Below(8));
      Number(p + "rope.freq_base", 10000.0f);
    }
    if (input_.Rarely(4)) {
      constexpr const char* kScalings[] = {"yarn", "linear", "none", "longrope"};
      writer_.AddString(p + "rope.scaling.type", input_.Pick(kScalings));
      Number(p + "rope.scaling.factor", 4.0f);
      Key(p + "rope.scaling.original_context_length", kContext);
    }
    if (input_.Rarely(16)) writer_.AddBool(p + "rope.scaling.finetuned", input_.Rarely(2));
    if (input_.Rarely(32)) Key(p + "expert_count", 0);
  }

  void Tensors(const ModelConfig& config) {
    if (config.layers.size() > 8) return;
    std::vector<engine::ModelTensor> tensors = engine::RequiredTensors(config);
    for (const char* name : {"output.weight", "attn_q.bias", "ffn_down.bias"}) {
      if (input_.Rarely(4)) tensors.push_back({name, 0, engine::ShapeOf(config, name)});
    }
    uint64_t elements = 0;
    for (const engine::ModelTensor& tensor : tensors) {
      elements += std::max<uint64_t>(1, tensor.shape.rows) * tensor.shape.cols;  // of two that have 24 bits: fits
    }
    if (elements > kMostElements) return;
    for (const engine::ModelTensor& tensor : tensors) Tensor(tensor);
    if (input_.Rarely(16)) {
      const size_t factors = input_.Below(20);
      writer_.AddTensor("rope_freqs.weight", {factors}, std::vector<float>(factors, 0.5f));
    }
    has_tensors_ = true;
  }

  void Tensor(const engine::ModelTensor& tensor) {
    if (input_.Rarely(128)) return;
    uint64_t rows = tensor.shape.rows, cols = tensor.shape.cols;
    if (input_.Rarely(64)) rows += input_.Below(4);
    if (input_.Rarely(128)) cols = 1 + input_.Below(64);
    DType type = rows == 0 ? DType::kF32 : input_.Rarely(16) ? Type() : usual_type_;
    if (cols % LayoutOf(type).block_elements != 0) type = DType::kF32;
    const std::vector<uint64_t> shape = rows == 0 ? std::vector<uint64_t>{cols} : std::vector<uint64_t>{cols, rows};
    const std::vector<uint8_t> row = Row(type, cols);
    std::vector<uint8_t> data;
    for (uint64_t i = 0; i < std::max<uint64_t>(1, rows); ++i) data.insert(data.end(), row.begin(), row.end());
    if (input_.Rarely(32)) data[input_.Below(data.size())] ^= 0x80;
    const std::string name = engine::TensorName(tensor.name, tensor.shape, tensor.layer);
    writer_.AddTensor(name, shape, type, data);
  }

  // One row of usual numbers, or of any bytes.
  std::vector<uint8_t> Row(DType type, uint64_t cols) {
    Noise noise(input_.Byte());
    std::vector<uint8_t> bytes(RowBytes(type, cols));
    if (HasFormat(type) && !input_.Rarely(16)) {
      std::vector<float> values(cols);
      for (float& value : values) value = noise.Uniform();
      Expect(Quantize(type, values.data(), bytes.data(), cols).ok(), "a row is not quantised");
    } else {
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(noise.Bits());
    }
    return bytes;
  }

  Input& input_;
  DType usual_type_;
  GgufWriter writer_;
  bool has_tensors_ = false;
};

// The logits of three tokens, the first `together` of them in one pass, the others by a fork of what has read them;
// empty: an error.
std::vector<float> Logits(const engine::Model& model, const std::vector<uint32_t>& tokens, size_t together,
                          DType kv_type, Summation summation) {
  const auto pool = engine::KvPool::Create(model.config, 3 * engine::KvPool::kPageLength, kv_type);
  if (!Succeeded(pool)) return {};
  auto sequence = engine::Sequence::Create(*pool, std::min(kContext, model.config.context));
  auto transformer = engine::Transformer::Create(
      model, {}, {.max_batch = tokens.size(), .max_context = kContext, .summation = summation});
  if (!Succeeded(sequence) || !Succeeded(transformer)) return {};
  std::vector<float> all;
  for (size_t i = 0; i < tokens.size();) {
    const size_t count = i == 0 ? together : 1;
    const engine::BatchItem item{
        .sequence = &*sequence, .tokens = std::span(tokens).subspan(i, count), .all_logits = true};
    const auto logits = transformer->Forward({&item, 1});
    if (!Succeeded(logits)) return {};
    Expect(logits->size() == count * model.config.vocabulary, "another number of logits");
    all.insert(all.end(), logits->begin(), logits->end());
    i += count;
    auto fork = sequence->Fork(sequence->length());
    Expect(fork.ok(), "a sequence has no fork");
    *sequence = *std::move(fork);
  }
  Expect((*pool)->free_pages() + sequence->pages() == (*pool)->pages(), "pages are lost");
  return all;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::memcmp(&x, &y, sizeof(x)) == 0 || (std::isnan(x) && std::isnan(y));
  });
}

void Run(const engine::Model& model, Input& input) {
  // What is believed of a file may still be more than a run of a fuzzer wants to hold.
  if (model.config.layers.size() > 64 || model.config.vocabulary > (1 << 16)) return;
  std::vector<uint32_t> tokens(3);
  for (uint32_t& token : tokens) token = static_cast<uint32_t>(input.Below(model.config.vocabulary));
  constexpr DType kKvTypes[] = {DType::kF32, DType::kF16, DType::kBF16};
  const DType kv_type = input.Pick(kKvTypes);
  const bool uniform = input.Rarely(2);
  const size_t together = 1 + input.Below(3);
  const std::vector<float> logits =
      Logits(model, tokens, together, kv_type, uniform ? Summation::kUniform : Summation::kFastest);
  if (!uniform || logits.empty()) return;
  Expect(SameBits(Logits(model, tokens, 1, kv_type, Summation::kUniform), logits),
         "one token at a time has other logits than several at once");
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::fuzz;  // NOLINT
  Input input(data, size);
  const bool is_file = size >= 4 && std::memcmp(data, "GGUF", 4) == 0;
  const std::vector<uint8_t> bytes = is_file ? std::vector<uint8_t>(data, data + size) : ModelFile(input).Write();
  if (bytes.empty()) return 0;
  const auto file = Gguf::Parse(bytes, kName);
  if (!Succeeded(file)) return 0;
  const auto model = weft::engine::LoadModel(*file);
  if (Succeeded(model)) Run(*model, input);
  return 0;
}
