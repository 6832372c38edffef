// Files that are no model, and models that are not as most: what people reported of other programs.
#include "reference/model/file_role.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "reference/gguf/gguf_types.h"
#include "tests/engine/child_process.h"
#include "tests/engine/test_data.h"
#include "tests/engine/test_model.h"
#include "tests/engine/test_vocabulary.h"
#include "tests/engine/tiny_llama.h"
#include "tests/engine/weft_program.h"

namespace weft::engine::test {
namespace {

std::string ParseErrorOf(const Bytes& bytes, const std::string& name = "m.gguf") {
  const auto file = Gguf::Parse(bytes, name);
  return file.ok() ? "no error" : file.error().message;
}

// The error of loading the model in `bytes`.
std::string LoadErrorOf(const Bytes& bytes, const std::string& name = "m.gguf") {
  const auto file = Gguf::Parse(bytes, name);
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  const auto model = LoadModel(*file);
  return model.ok() ? "no error" : model.error().message;
}

Bytes TextBytes(const std::string& text) { return Bytes(text.begin(), text.end()); }

GgufWriter Part(uint64_t number, uint64_t count) {
  GgufWriter writer;
  writer.AddString("general.architecture", "llama");
  writer.AddUint("split.no", number, GgufType::kU16).AddUint("split.count", count, GgufType::kU16);
  writer.AddTensor("t" + std::to_string(number), {5}, std::vector<float>(5));
  return writer;
}

}  // namespace

TEST_CASE("files: what is taken for GGUF is named") {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer"},
      {"<!DOCTYPE html><html>", "a web page (HTML)"},
      {"\xEF\xBB\xBF\r\n <HTML lang=en>", "a web page (HTML)"},
      {std::string("PK\x03\x04\0\0", 6), "a ZIP archive or a PyTorch checkpoint"},
      {std::string("\x40\0\0\0\0\0\0\0{\"__metadata__\":{", 25), "a safetensors file"},
      {"tjgg....", "a model in a format before GGUF"},
      {"\x1F\x8B\x08", "compressed with gzip"},
  };
  for (const auto& [text, what] : files) {
    CAPTURE(text);
    CHECK(ParseErrorOf(TextBytes(text)).starts_with("m.gguf: is not a GGUF file but " + what));
  }
  CHECK(ParseErrorOf(TextBytes("some text")) == "m.gguf: is not a GGUF file: it starts with \"some\"");
}

TEST_CASE("files: adapters, projectors and importance matrices are named") {
  const auto error = [](const std::string& key, const std::string& value, const std::string& adapter = "") {
    GgufWriter writer;
    if (key != "general.architecture") writer.AddString("general.architecture", "llama");
    writer.AddString(key, value);
    if (!adapter.empty()) writer.AddString("adapter.type", adapter);
    return LoadErrorOf(writer.Finish());
  };
  CHECK(error("general.type", "adapter", "lora") ==
        "m.gguf: is a LoRA adapter, not a model (general.type is 'adapter')");
  CHECK(error("general.type", "adapter").starts_with("m.gguf: is an adapter, not a model"));
  CHECK(
      error("general.type", "mmproj").starts_with("m.gguf: is a projector for images or sound (mmproj), not a model"));
  CHECK(error("general.architecture", "clip").starts_with("m.gguf: is a projector"));
  CHECK(error("general.type", "imatrix").starts_with("m.gguf: is an importance matrix"));
  CHECK(error("general.type", "model") == "m.gguf: key llama.block_count: is missing");
}

TEST_CASE("files: parts of a split model, alone, beside each other and joined") {
  const Bytes first = Part(0, 3).Finish(), second = Part(1, 3).Finish();
  CHECK(LoadErrorOf(first).starts_with("m.gguf: is part 1 of 3 of a split model. "));
  CHECK(LoadErrorOf(second).starts_with("m.gguf: is part 2 of 3 of a split model. "));
  CHECK(LoadErrorOf(Part(0, 1).Finish()) == "m.gguf: key llama.block_count: is missing");

  const TemporaryFolder folder;
  const std::string name = folder / "m-00001-of-00003.gguf";
  for (const char* other : {"m-00001-of-00003.gguf", "m-00003-of-00003.gguf"}) std::ofstream(folder / other) << "x";
  CHECK(Contains(LoadErrorOf(first, name), "of a split model; m-00002-of-00003.gguf is not beside it. "));
  std::ofstream(folder / "m-00002-of-00003.gguf") << "x";
  CHECK(Contains(LoadErrorOf(first, name), "is part 1 of 3 of a split model. "));

  Bytes joined = first;
  joined.insert(joined.end(), second.begin(), second.end());
  CHECK(LoadErrorOf(joined).starts_with("m.gguf: is several files joined: at byte " + std::to_string(first.size()) +
                                        " another begins. Parts of a split model"));
  Bytes unpadded(first.begin(), first.end() - 12);  // five floats in 32 bytes
  unpadded.insert(unpadded.end(), second.begin(), second.end());
  CHECK(Contains(LoadErrorOf(unpadded), "is several files joined: at byte " + std::to_string(first.size() - 12)));
  GgufWriter keys;  // the first part may hold nothing but keys
  keys.AddString("general.architecture", "llama").AddUint("split.count", 2);
  Bytes without_tensors = keys.Finish();
  without_tensors.insert(without_tensors.end(), second.begin(), second.end());
  CHECK(Contains(LoadErrorOf(without_tensors), "is several files joined"));
}

TEST_CASE("nested arrays: read past, up to eight deep") {
  const auto nested = [](int levels, uint32_t inner_type, uint64_t inner_count) {
    Bytes value;
    for (int level = 1; level < levels; ++level) {
      Append(value, 9, 4);
      Append(value, 1, 8);
    }
    Append(value, inner_type, 4);
    Append(value, inner_count, 8);
    for (uint64_t i = 0; i < inner_count && i < 3; ++i) Append(value, 7, 4);
    GgufWriter writer;
    writer.AddRaw("x", 9, value).AddUint("after", 5);
    return writer.Finish();
  };
  for (const int levels : {2, 3, 8}) {
    const Bytes bytes = nested(levels, 4, 3);
    const auto file = Gguf::Parse(bytes, "m.gguf");
    REQUIRE_MESSAGE(file.ok(), file.error().message);
    CHECK(*file->GetUint("after") == 5);
    CHECK_FALSE(file->GetInts("x").ok());
    GgufArray array = file->Find("x")->array;
    for (int level = 1; level < levels; ++level) {
      CHECK(array.type == GgufType::kArray);
      ByteReader reader({array.data, static_cast<size_t>(array.bytes)});
      REQUIRE(ReadArray(reader, &array));
    }
    CHECK(array.type == GgufType::kU32);
    CHECK(array.count == 3);
    CHECK(array.bytes == 12);
  }
  CHECK(ParseErrorOf(nested(9, 4, 3)) == "m.gguf: key x: arrays inside each other more than 8 deep");
  CHECK(Contains(ParseErrorOf(nested(3, 9, uint64_t{1} << 60)), "key x: an array of"));
  CHECK(Contains(ParseErrorOf(nested(3, 4, uint64_t{1} << 62)), "key x: an array of"));
  CHECK(Contains(ParseErrorOf(nested(3, 77, 1)), "key x: element type 77"));
}

TEST_CASE("optional keys: equal scores and normal types where a vocabulary gives none") {
  const std::vector<std::string> texts = {"<unk>", "<s>", "</s>", "a", "b", "ab", "bb", kSpace};
  GgufWriter writer;
  writer.AddString("tokenizer.ggml.model", "llama").AddStrings("tokenizer.ggml.tokens", texts);
  writer.AddBool("tokenizer.ggml.add_space_prefix", false);
  const auto tokenizer = MustLoad(writer);
  CHECK(tokenizer->Encode("abb") == Ids{5, 4});  // equal scores: the leftmost pair first
  CHECK(tokenizer->Encode("bb") == Ids{6});
  CHECK(tokenizer->Piece(1, false) == "<s>");  // normal
  GgufWriter unequal = writer;
  unequal.AddFloats("tokenizer.ggml.scores", {1, 2});
  CHECK(Contains(ErrorOf(unequal), "tokenizer.ggml.scores has 2 elements, for 8 tokens"));
}

TEST_CASE("numbers given once per layer: used where they are equal, for every key, and checked where they differ") {
  const TestModel model = RandomLlama();  // of two layers
  // The file with `key` as an array instead.
  const auto with = [&](const std::string& key, const auto& add) {
    GgufWriter writer;
    const std::string name = "llama." + key;
    for (const auto& [other, value] : model.keys) {
      if (other == name) continue;
      if (const auto* number = std::get_if<uint64_t>(&value)) writer.AddUint(other, *number, GgufType::kU64);
      if (const auto* real = std::get_if<float>(&value)) writer.AddFloat(other, *real);
      if (const auto* text = std::get_if<std::string>(&value)) writer.AddString(other, *text);
    }
    add(writer, name);
    for (const auto& [tensor_name, tensor] : model.tensors) writer.AddTensor(tensor_name, tensor.shape, tensor.values);
    return LoadErrorOf(writer.Finish());
  };
  using List = std::vector<int64_t>;
  const auto ints = [](const List& values) {
    return [values](GgufWriter& writer, const std::string& name) { writer.AddInts(name, values); };
  };
  for (const auto& [key, value] : model.keys) {
    const auto* number = std::get_if<uint64_t>(&value);
    if (number == nullptr || key == "llama.block_count") continue;
    const std::string name = key.substr(std::string("llama.").size());
    const int64_t n = static_cast<int64_t>(*number);
    CAPTURE(name);
    CHECK(with(name, ints({n, n})) == "no error");
    const std::string differs = with(name, ints({n, n + 1}));
    if (name.starts_with("attention.") || name == "feed_forward_length") {  // the second layer's own
      const std::map<std::string, std::string> expected = {
          {"attention.head_count", "head_count_kv: 2 does not divide the 5 heads"},
          {"attention.head_count_kv", "head_count_kv: 3 does not divide the 4 heads"},
          {"attention.key_length", "rope.dimension_count: is 17, expected an even number"},
          {"attention.value_length", "tensor blk.1.attn_v.weight: shape [64, 32], expected [64, 34]"},
          {"feed_forward_length", "tensor blk.1.ffn_gate.weight: shape [64, 96], expected [64, 97]"}};
      CHECK_MESSAGE(Contains(differs, expected.at(name)), differs);
      CHECK(Contains(with(name, ints({n, -1})), "key " + key + ": is -1 in layer 1"));
    } else {
      CHECK(differs == "m.gguf: key " + key + ": differs between the layers (" + std::to_string(n) + " and " +
                           std::to_string(n + 1) + "), which is not supported");
      CHECK(Contains(with(name, ints({-1, -1})), "key " + key + ": is -1 in every layer"));
    }
    CHECK(with(name, ints({n})) == "m.gguf: key " + key + ": has 1 elements, for 2 layers");
    CHECK(Contains(with(name, ints({})), "key " + key + ": has 0 elements"));
  }
  const std::string epsilon = "attention.layer_norm_rms_epsilon";
  const auto floats = [&](std::vector<float> values) {
    return with(epsilon, [&](GgufWriter& writer, const std::string& name) { writer.AddFloats(name, values); });
  };
  CHECK(floats({1e-5f, 1e-5f}) == "no error");
  CHECK(Contains(floats({1e-5f, 2e-5f}), "differs between the layers"));
  CHECK(Contains(with("block_count", ints({2, 2})), "is array of i32, expected an integer"));
}

TEST_CASE("padded vocabularies: rows behind the vocabulary are never chosen") {
  for (const bool tied : {false, true}) {
    TestModel model = RandomLlama({.vocabulary = 48, .tied = tied});
    const LoadedModel whole(model);
    model.Key("vocab_size") = uint64_t{41};
    const LoadedModel padded(model);
    CHECK(padded.config().vocabulary == 41);
    const std::vector<uint32_t> tokens = RandomTokens(7, 41);
    const std::vector<float> expected = AllLogits(whole.model(), tokens), logits = AllLogits(padded.model(), tokens);
    REQUIRE(logits.size() == 7 * 41);
    for (size_t i = 0; i < tokens.size(); ++i) {
      CHECK(MaxDifference({&logits[i * 41], 41}, {&expected[i * 48], 41}) <= 1e-4);
    }
    model.Key("vocab_size") = uint64_t{49};
    CHECK(Contains(LoadError(model), "shape [64, 48], expected [64, 49]"));
  }
  // The tokenizer knows fewer tokens than the key says there are rows.
  GgufWriter writer = TinyLlama();
  writer.AddUint("llama.vocab_size", 270);
  CHECK(LoadErrorOf(writer.Finish()) == "no error");
}

TEST_CASE("logits that are not numbers are an error, and nothing is remembered") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), kInfinity, -kInfinity}) {
    for (const std::string name : {"output_norm.weight", "blk.1.ffn_up.weight", "output.weight"}) {
      CAPTURE(name);
      TestModel file = RandomLlama();
      file.tensors[name].values[5] = bad;
      const LoadedModel loaded(file);
      Transformer transformer = MakeTransformer(loaded.model());
      Sequence sequence = MakeSequence(loaded.config());
      const std::vector<uint32_t> tokens = {1, 2, 3};
      const BatchItem item{.sequence = &sequence, .tokens = tokens};
      const auto logits = transformer.Forward({&item, 1});
      REQUIRE_FALSE(logits.ok());
      CHECK(Contains(logits.error().message, "the logits are not numbers"));
      CHECK(sequence.length() == 0);
    }
  }
}

#ifdef WEFT_PROGRAM
namespace {

std::string WriteFile(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return path;
}

}  // namespace

TEST_CASE("weft: logits that are not numbers end every command with one line, and leave nothing") {
  const TemporaryFolder folder;
  // A scale that is not a number: the block of Q8_0 starts with it.
  const Bytes good = TinyLlama().Finish();
  GgufWriter writer = TinyLlama();
  Bytes bytes = writer.Finish();
  const auto file = Gguf::Parse(bytes, "tiny");
  REQUIRE(file.ok());
  const size_t at = static_cast<size_t>(file->FindTensor("blk.0.attn_output.weight")->data - bytes.data());
  for (const uint8_t high : {0x7C, 0x7E}) {  // infinite, NaN
    bytes[at + 1] = high;
    const std::string path = WriteFile(folder / "bad.gguf", bytes);
    CheckError(Weft({"generate", path, "-p", "ab"}), 1, "bad.gguf: the logits are not numbers");
    CheckError(Weft({"logits", path, "--tokens", "1,262", "-o", folder / "out"}), 1, "the logits are not numbers");
    CHECK(folder.files() == 1);
    for (const char* style : {"md", "json", "csv"}) {
      const RunResult run = Weft({"bench", path, "-p", "4", "-n", "0", "-r", "1", "-t", "1", "-o", style});
      CHECK(run.status == 1);
      CHECK(run.out == "");
      CHECK(Contains(run.err, "bad.gguf: the logits are not numbers"));
    }
  }
}

TEST_CASE("weft: the files that people reported of other programs") {
  const auto folder = SharedData("reports");
  if (!folder) return;
  const auto generate = [&](const std::string& name) {
    return Weft({"generate", *folder + "/" + name, "-p", "Once upon a time", "-n", "8", "--temp", "0", "-t", "1"});
  };
  const RunResult good = generate("ok_base.gguf");
  REQUIRE(good.status == 0);
  for (const char* name : {"5_no_scores.gguf", "5_no_token_type.gguf", "6_nested.gguf", "8_500_tokens_512_rows.gguf",
                           "9_head_count_kv_array.gguf"}) {
    CAPTURE(name);
    const RunResult run = generate(name);
    CAPTURE(run.err);
    CHECK(run.status == 0);
    CHECK(run.out.starts_with("Once upon a time"));
    if (name[0] != '5') CHECK(run.out == good.out);
  }
  CheckError(generate("1_nan.gguf"), 1, "the logits are not numbers");
  CheckError(generate("4_split-00001-of-00002.gguf"), 1, "is part 1 of 2 of a split model.");
  CheckError(generate("4_split-00002-of-00002.gguf"), 1, "is part 2 of 2 of a split model.");
  CheckError(Weft({"tokenize", *folder + "/4_split-00002-of-00002.gguf", "x"}), 1, "is part 2 of 2");
  CheckError(generate("7_lora.gguf"), 1, "is a LoRA adapter, not a model");
  const TemporaryFolder other;
  Bytes parts = LoadedModel::ReadFile(*folder + "/4_split-00001-of-00002.gguf");
  const std::string alone = WriteFile(other / "4_split-00001-of-00002.gguf", parts);
  CheckError(Weft({"generate", alone}), 1, "4_split-00002-of-00002.gguf is not beside it");
  const Bytes second = LoadedModel::ReadFile(*folder + "/4_split-00002-of-00002.gguf");
  parts.insert(parts.end(), second.begin(), second.end());
  CheckError(Weft({"generate", WriteFile(other / "joined.gguf", parts)}), 1, "is several files joined");
  CHECK(Contains(Weft({"info", *folder + "/6_nested.gguf"}).out, "u32[][]"));
}
#endif

}  // namespace weft::engine::test
