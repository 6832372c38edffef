// Models with random weights: they load and run, whatever the family and the format.
#include "reference/synth/synth.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "reference/model/tensors.h"
#include "tests/engine/child_process.h"
#include "tests/engine/test_model.h"
#include "tests/engine/weft_program.h"

namespace weft::engine::test {
namespace {

// A preset made so small that a test can write it, its rows still a multiple of every block.
Preset Tiny(const std::string& name) {
  Preset preset = *FindPreset(name);
  preset.Set("block_count", 3u);
  preset.Set("embedding_length", 256u);
  preset.Set("feed_forward_length", 512u);
  preset.Set("vocab_size", 96u);
  preset.Set("context_length", 32u);
  preset.Set("attention.head_count", 4u);
  preset.Set("attention.head_count_kv", preset.architecture == "gpt2" ? 4u : 2u);
  preset.Set("attention.key_length", 64u);
  preset.Set("attention.value_length", 64u);
  return preset;
}

Bytes Write(const Preset& preset, const std::string& mix, uint64_t seed = 0,
            std::vector<std::string>* notes = nullptr) {
  Bytes bytes;
  const auto sink = [&](std::span<const uint8_t> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return Result<void>();
  };
  const auto note = [&](const std::string& text) {
    if (notes != nullptr) notes->push_back(text);
  };
  const std::optional<Mix> found = FindMix(mix);
  REQUIRE_MESSAGE(found, mix);
  const Result<void> written = Synthesize(preset, *found, seed, sink, note);
  REQUIRE_MESSAGE(written.ok(), written.error().message);
  return bytes;
}

// All logits are finite and of the size that normal weights give.
void CheckRuns(Bytes bytes) {
  const LoadedModel loaded(std::move(bytes));
  const std::vector<float> logits = AllLogits(loaded.model(), RandomTokens(9, loaded.config().vocabulary));
  REQUIRE(logits.size() == 9 * loaded.config().vocabulary);
  double squares = 0;
  for (const float logit : logits) squares += static_cast<double>(logit) * logit;
  const double size = std::sqrt(squares / static_cast<double>(logits.size())) / loaded.config().logit_scale;
  CHECK(size > 0.5);  // false for NaN
  CHECK(size < 2.0);
}

std::map<std::string, DType> Types(const Bytes& bytes) {
  std::map<std::string, DType> types;
  const auto gguf = Gguf::Parse(bytes, "synth");
  REQUIRE(gguf.ok());
  for (const GgufTensor& tensor : gguf->tensors()) types[std::string(tensor.name)] = tensor.type;
  return types;
}

}  // namespace

TEST_CASE("synth: presets have as many weights as the models they are named after") {
  const std::map<std::string, double> counts = {{"gpt2", 124439808},
                                                {"llama-1b", 1235814400},
                                                {"llama-8b", 8030261248},
                                                {"qwen3-0.6b", 596049920},
                                                {"granite-8b", 8170864640}};
  CHECK(Presets().size() == counts.size());
  for (const Preset& preset : Presets()) {
    CAPTURE(preset.name);
    const Result<ModelConfig> config = ConfigOf(preset);
    REQUIRE_MESSAGE(config.ok(), config.error().message);
    double weights = 0;
    for (const ModelTensor& tensor : RequiredTensors(*config)) {
      REQUIRE(tensor.shape.cols != 0);
      weights += static_cast<double>(tensor.shape.cols) * static_cast<double>(std::max<size_t>(tensor.shape.rows, 1));
    }
    if (!preset.tied) weights += static_cast<double>(config->vocabulary) * static_cast<double>(config->width);
    CHECK(weights == counts.at(preset.name));
  }
}

TEST_CASE("synth: every preset and every format makes a model that runs") {
  for (const Preset& preset : Presets()) {
    CAPTURE(preset.name);
    CheckRuns(Write(Tiny(preset.name), "F16"));
  }
  for (size_t id = 0; id < kDTypeEnd; ++id) {
    const DType type = static_cast<DType>(id);
    if (!HasFormat(type)) continue;
    CAPTURE(Name(type));
    const Bytes bytes = Write(Tiny("llama-8b"), Name(type));
    CheckRuns(bytes);
    const auto types = Types(bytes);
    CHECK(types.at("output.weight") == type);
    CHECK(types.at("token_embd.weight") == type);
    CHECK(types.at("blk.2.ffn_down.weight") == type);
    CHECK(types.at("blk.2.ffn_norm.weight") == DType::kF32);
  }
}

TEST_CASE("synth: mixes") {
  Preset preset = Tiny("llama-1b");
  preset.Set("block_count", 16u);
  const Bytes medium = Write(preset, "q4_k_m");
  CheckRuns(medium);
  auto types = Types(medium);
  CHECK(types.at("token_embd.weight") == DType::kQ6_K);  // it is the output
  std::string large;
  for (size_t layer = 0; layer < 16; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    CHECK(types.at(blk + "attn_q.weight") == DType::kQ4_K);
    CHECK(types.at(blk + "attn_v.weight") == types.at(blk + "ffn_down.weight"));
    if (types.at(blk + "attn_v.weight") == DType::kQ6_K) large += std::to_string(layer) + " ";
  }
  CHECK(large == "0 1 4 7 10 13 14 15 ");

  types = Types(Write(Tiny("llama-8b"), "Q4_K_S"));
  CHECK(types.at("output.weight") == DType::kQ6_K);
  CHECK(types.at("token_embd.weight") == DType::kQ4_K);
  CHECK(types.at("blk.0.attn_v.weight") == DType::kQ4_K);
  CHECK(Types(Write(Tiny("gpt2"), "Q4_K_S")).at("position_embd.weight") == DType::kF32);
  CHECK_FALSE(FindMix("Q4_K_X"));
  CHECK_FALSE(FindMix("I8"));
}

TEST_CASE("synth: where a block does not fit in a row, another format, and a note") {
  Preset preset = Tiny("llama-1b");
  preset.Set("embedding_length", 96u);
  preset.Set("feed_forward_length", 100u);
  std::vector<std::string> notes;
  const Bytes bytes = Write(preset, "Q4_K_M", 0, &notes);
  CheckRuns(bytes);
  const auto types = Types(bytes);
  CHECK(types.at("blk.0.attn_q.weight") == DType::kQ8_0);
  CHECK(types.at("blk.0.ffn_down.weight") == DType::kF16);
  CHECK(types.at("blk.0.attn_output.weight") == DType::kQ4_K);
  const auto noted = [&](const std::string& start) {
    return std::ranges::count_if(notes, [&](const std::string& note) { return note.starts_with(start); });
  };
  CHECK(noted("attn_q.weight: Q8_0, because rows of 96 are no multiple of Q4_K's block") == 1);
  CHECK(noted("ffn_down.weight: F16") >= 1);
  CHECK(noted("attn_output.weight") == 0);
}

TEST_CASE("synth: the seed decides, keys that make no model are an error") {
  Preset preset = Tiny("qwen3-0.6b");
  CHECK(Write(preset, "Q8_0") == Write(preset, "q8_0"));
  CHECK(Write(preset, "Q8_0", 1) != Write(preset, "Q8_0", 2));
  preset.Set("attention.head_count", 0u);
  const Result<void> written = Synthesize(preset, *FindMix("F32"), 0, [](auto) { return Result<void>(); });
  REQUIRE_FALSE(written.ok());
  CHECK(Contains(written.error().message, "attention.head_count"));
}

#ifdef WEFT_PROGRAM
TEST_CASE("weft synth: writes what the other commands read; wrong names give status 2") {
  const TemporaryFolder folder;
  const std::string path = folder / "gpt2.gguf";
  const RunResult run = Weft({"synth", "gpt2", "q4_0", path});
  CHECK(run.status == 0);
  CHECK(run.out == "");
  CHECK(run.err == "");
  CHECK(folder.files() == 1);
  CHECK(Weft({"logits", path, "--tokens", "1,2,3", "-o", folder / "logits"}).status == 0);

  CheckError(Weft({"synth", "gpt9", "Q4_0", path}), 2, "gpt2");
  CheckError(Weft({"synth", "gpt2", "Q9", path}), 2, "Q4_K_M");
  CheckError(Weft({"synth", "gpt2", "Q4_0"}), 2, "OUT");
  CheckError(Weft({"synth", "gpt2", "Q4_0", path, "--seed", "x"}), 2, "--seed");
  CheckError(Weft({"synth", "gpt2", "Q4_0", folder / "no/such/folder"}), 1, "no/such/folder");
  CHECK(folder.files() == 2);
}
#endif

}  // namespace weft::engine::test
