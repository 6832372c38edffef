// Every kind of error, in the engine and as an exit status of the program.
#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

#include "reference/base/status_error.h"
#include "reference/gguf/gguf.h"
#include "reference/gguf/gguf_writer.h"
#include "reference/gguf/mapped_file.h"
#include "reference/text/tokenizer.h"
#include "tests/engine/test_model.h"
#include "tests/engine/tiny_llama.h"
#include "tests/engine/weft_program.h"

namespace weft::engine::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kNeedsAddressSpace = true;
#elif defined(__has_feature)
constexpr bool kNeedsAddressSpace = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kNeedsAddressSpace = false;
#endif

// The kind of the error that loading gives; kInternal, which loading never gives, where there is none.
ErrorKind LoadKind(const TestModel& model) {
  const Bytes bytes = model.Write();
  Result<Gguf> file = Gguf::Parse(bytes, "test.gguf");
  if (!file.ok()) return file.error().kind;
  Result<Model> loaded = LoadModel(*file);
  return loaded.ok() ? ErrorKind::kInternal : loaded.error().kind;
}

template <class T>
ErrorKind KindOf(const Result<T>& result) {
  REQUIRE(!result.ok());
  return result.error().kind;
}

// A kind cannot be forgotten.
static_assert(!std::is_constructible_v<Error, std::string>);

TEST_CASE("error kinds: files that are bad, and files that are not supported") {
  const TestModel good = RandomLlama();
  const auto with = [&](const auto& change) {
    TestModel model = good;
    change(model);
    return LoadKind(model);
  };
  CHECK(LoadKind(good) == ErrorKind::kInternal);
  CHECK(with([](TestModel& m) { m.keys.erase("llama.block_count"); }) == ErrorKind::kBadFile);
  CHECK(with([](TestModel& m) { m.Key("attention.head_count") = uint64_t{0}; }) == ErrorKind::kBadFile);
  CHECK(with([](TestModel& m) { m.tensors.erase("blk.0.ffn_up.weight"); }) == ErrorKind::kBadFile);
  CHECK(with([](TestModel& m) {
          m.tensors["output_norm.weight"] = {{3}, DType::kF32, {1, 2, 3}};
        }) == ErrorKind::kBadFile);
  CHECK(with([](TestModel& m) { m.keys["general.architecture"] = std::string("mamba"); }) == ErrorKind::kUnsupported);
  CHECK(with([](TestModel& m) { m.Key("expert_count") = uint64_t{8}; }) == ErrorKind::kUnsupported);
  CHECK(with([](TestModel& m) { m.Key("rope.scaling.type") = std::string("longrope"); }) == ErrorKind::kUnsupported);
  CHECK(with([](TestModel& m) {
          m.Key("embedding_length") = std::vector<uint64_t>{64, 32};
        }) == ErrorKind::kUnsupported);
  CHECK(with([](TestModel& m) { m.tensors["blk.0.ffn_up.weight"].type = DType::kI32; }) == ErrorKind::kUnsupported);
  CHECK(with([](TestModel& m) { m.tensors["blk.0.attn_q_norm.weight"] = m.tensors["blk.0.attn_norm.weight"]; }) ==
        ErrorKind::kUnsupported);

  Bytes bytes = good.Write();
  CHECK(KindOf(Gguf::Parse(std::span(bytes).first(20), "m.gguf")) == ErrorKind::kBadFile);
  bytes[4] = 9;  // the version
  CHECK(KindOf(Gguf::Parse(bytes, "m.gguf")) == ErrorKind::kUnsupported);
}

TEST_CASE("error kinds: tokenizers") {
  const auto kind = [](GgufWriter writer) {
    const Bytes bytes = writer.Finish();
    Result<Gguf> file = Gguf::Parse(bytes, "m.gguf");
    REQUIRE(file.ok());
    return KindOf(Tokenizer::Load(*file));
  };
  CHECK(kind(GgufWriter().AddString("tokenizer.ggml.model", "bert")) == ErrorKind::kUnsupported);
  CHECK(kind(GgufWriter().AddString("tokenizer.ggml.model", "llama")) == ErrorKind::kBadFile);
  CHECK(kind(GgufWriter().AddString("tokenizer.ggml.model", "gpt2")) == ErrorKind::kBadFile);
  CHECK(kind(GgufWriter().AddString("tokenizer.ggml.model", "gpt2").AddString("tokenizer.ggml.pre", "x")) ==
        ErrorKind::kUnsupported);
}

TEST_CASE("error kinds: what is asked of a model") {
  const LoadedModel loaded(RandomLlama({.context = 16}));
  CHECK(KindOf(Transformer::Create(loaded.model(), {}, {.max_batch = 0})) == ErrorKind::kBadArgument);
  CHECK(KindOf(Sequence::Create(loaded.config(), 0)) == ErrorKind::kBadArgument);
  CHECK(KindOf(Sequence::Create(loaded.config(), 16, DType::kQ8_0)) == ErrorKind::kBadArgument);
  Transformer transformer = MakeTransformer(loaded.model());
  Sequence sequence = MakeSequence(loaded.config());
  const std::vector<uint32_t> outside = {48}, many = RandomTokens(17, 48);
  for (const std::vector<uint32_t>& tokens : {outside, many, {}}) {
    const BatchItem item = {.sequence = &sequence, .tokens = tokens};
    CHECK(KindOf(transformer.Forward({&item, 1})) == ErrorKind::kBadArgument);
  }
  TestModel broken = RandomLlama();
  broken.tensors["output_norm.weight"].values[0] = HUGE_VALF;
  const LoadedModel infinite(broken);
  Transformer other = MakeTransformer(infinite.model());
  Sequence of_other = MakeSequence(infinite.config());
  const uint32_t token = 1;
  const BatchItem item = {.sequence = &of_other, .tokens = {&token, 1}};
  CHECK(KindOf(other.Forward({&item, 1})) == ErrorKind::kBadFile);

  ModelConfig huge = loaded.config();
  huge.layers[0].kv_heads = kMaxHeads;
  huge.layers[0].k_size = kMaxHeadSize;
  CHECK(KindOf(Sequence::Create(huge, kMaxContext)) == ErrorKind::kNoMemory);
}

TEST_CASE("error kinds: the library's and the system's") {
  CHECK(ErrorOf(weft::Error(Code::kUnsupported, "w.type", 7), "x").kind == ErrorKind::kUnsupported);
  const weft::engine::Error error = ErrorOf(weft::Error(Code::kMultiple, "w.cols", 96, 256), "forward pass");
  CHECK(error.kind == ErrorKind::kInternal);
  CHECK(error.message == "forward pass: w.cols is 96, not a multiple of 256");
  CHECK(SystemError("f", "cannot open", ENOENT).kind == ErrorKind::kInputOutput);
  CHECK(SystemError("f", "cannot map", ENOMEM).kind == ErrorKind::kNoMemory);
  CHECK(KindOf(MappedFile::Open("/no/such/file")) == ErrorKind::kInputOutput);
  CHECK(KindOf(MappedFile::Open("/")) == ErrorKind::kBadFile);

  engine::GgufWriter writer([](std::span<const uint8_t>) { return Result<void>(); });
  writer.AddTensor("t", {32}, DType::kF32);
  CHECK(KindOf(writer.Finish()) == ErrorKind::kInternal);
}

#ifdef WEFT_PROGRAM

TEST_CASE("weft: the exit status tells the kind of an error") {
  TemporaryFolder folder;
  const auto write = [&](const char* name, const Bytes& bytes) {
    const std::string path = folder / name;
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return path;
  };
  const std::string good = write("good.gguf", TinyLlama().Finish());
  CheckError(Weft({"generate", folder / "absent.gguf"}), 1, "cannot open");
  CheckError(Weft({"generate", write("bad.gguf", {1, 2, 3})}), 1, "is not a GGUF file");
  CheckError(Weft({"logits", good, "--tokens", "9999", "-o", folder / "out"}), 1, "outside the vocabulary");
  CheckError(Weft({"logits", good, "--tokens", "x", "-o", folder / "out"}), 2, "is not a token id");
  const std::string ids = write("ids", {'x'});
  CheckError(Weft({"logits", good, "--tokens", "@" + ids, "-o", folder / "out"}), 1, "is not a token id");

  TestModel unknown = RandomLlama();
  unknown.keys["general.architecture"] = std::string("mamba");
  const std::string mamba = write("mamba.gguf", unknown.Write());
  CheckError(Weft({"logits", mamba, "--tokens", "1", "-o", folder / "out"}), 3, "'mamba'");
  CheckError(Weft({"bench", mamba}), 3, "'mamba'");
  CHECK(Weft({"--help"}).out.find("3 not supported by this program, 4 not enough memory") != std::string::npos);
}

TEST_CASE("weft: not enough memory is status 4") {
  if (kNeedsAddressSpace || *WEFT_EMULATOR != '\0') {
    MESSAGE("skipped: sanitizers and emulators need more address space than a limit can leave");
    return;
  }
  TemporaryFolder folder;
  const std::string prompt = folder / "prompt";
  std::ofstream(prompt) << 'x';
  std::filesystem::resize_file(prompt, uintmax_t{1} << 40);  // sparse
  CheckError(Run({"/bin/sh", "-c", "ulimit -v 400000; exec '" WEFT_PROGRAM "' tokenize --file '" + prompt + "'"}), 4,
             "not enough memory");
}

#endif  // WEFT_PROGRAM

}  // namespace
}  // namespace weft::engine::test
