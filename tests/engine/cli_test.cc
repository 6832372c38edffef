// The program `weft`, as a child process. Most tests run it on a tiny model with weights made by a rule.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "reference/text/tokenizer.h"
#include "tests/engine/test_data.h"
#include "tests/engine/tiny_llama.h"
#include "tests/engine/weft_program.h"
#include "weft/weft.h"

#ifdef WEFT_PROGRAM

namespace weft::engine::test {
namespace {

struct TinyModel {
  TinyModel() : path(folder / "tiny.gguf") { Write(path, TinyLlama().Finish()); }
  static void Write(const std::string& path, const Bytes& bytes) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  TemporaryFolder folder;
  std::string path;
};

std::vector<float> Floats(const std::string& path) {
  const std::string bytes = ReadWhole(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace

TEST_CASE("weft: help and version succeed, wrong usage is status 2 and one line") {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                    {"generate", "--help"},
                                                    {"logits", "-h"},
                                                    {"tokenize", "--help"},
                                                    {"info", "--help"},
                                                    {"bench", "--help"},
                                                    {"synth", "--help"},
                                                    {"targets", "--help"}}) {
    const RunResult run = Weft(arguments);
    CHECK(run.status == 0);
    CHECK(run.out.find("Usage: weft") != std::string::npos);
    CHECK(run.err == "");
  }
  const RunResult version = Weft({"--version"});
  CHECK(version.status == 0);
  CHECK(version.out == "weft " + std::to_string(WEFT_VERSION_MAJOR) + "." + std::to_string(WEFT_VERSION_MINOR) + "." +
                           std::to_string(WEFT_VERSION_PATCH) + "\n");

  CheckError(Weft({}), 2, "command");
  CheckError(Weft({"dance"}), 2, "dance");
  CheckError(Weft({"generate", "m", "--frobnicate"}), 2, "--frobnicate");
  CheckError(Weft({"generate", "m", "-n"}), 2, "--count");
  CheckError(Weft({"generate", "m", "-p", "x", "--file", "y"}), 2, "--file");
  CheckError(Weft({"generate", "m", "--stop", ""}), 2, "--stop");
  CheckError(Weft({"logits", "m", "-o", "x"}), 2, "--tokens");
  CheckError(Weft({"logits", "m", "--tokens", "1"}), 2, "--output");
  CheckError(Weft({"tokenize", "m.gguf"}), 2, "TEXT");
  CheckError(Weft({"tokenize"}), 2, "TEXT");
  CheckError(Weft({"tokenize", "m", "text", "--file", "x"}), 2, "--file");
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad_values = {
      {"--count", {"-1", "x", "1.5", ""}},
      {"--threads", {"-1", "x"}},
      {"--context", {"-1", "x"}},
      {"--temp", {"-1", "nan", "inf", "x"}},
      {"--top-k", {"-1", "x", "5000000000"}},
      {"--top-p", {"-0.1", "1.1", "nan"}},
      {"--min-p", {"-0.1", "1.1", "nan"}},
      {"--repeat-penalty", {"0", "-1", "nan"}},
      {"--seed", {"-1", "x"}},
      {"--kv-type", {"q8_0", "F16", "", "f64"}},
  };
  for (const auto& [option, values] : bad_values) {
    for (const std::string& value : values) {
      CAPTURE(option + " " + value);
      CheckError(Weft({"generate", "m", option, value}), 2, option);
    }
  }
}

TEST_CASE("weft: targets, and WEFT_TARGET chooses one") {
  const RunResult list = Weft({"targets"});
  CHECK(list.status == 0);
  for (size_t i = 0; i < TargetCount(); ++i) CHECK(list.out.find(GetTarget(i).name) != std::string::npos);
  size_t supported = 0;
  for (size_t i = 0; i < TargetCount(); ++i) {
    const TargetInfo target = GetTarget(i);
    CAPTURE(target.name);
    const RunOptions options{
        .input = "", .environment = {{"WEFT_TARGET", target.name}}, .output = "", .interrupt = false};
    if (!target.supported) {
      CheckError(Weft({"targets"}, options), 2, target.name);
      continue;
    }
    ++supported;
    const RunResult run = Weft({"targets"}, options);
    CHECK(run.status == 0);
    const size_t line = run.out.find(std::string("\n") + target.name + " ");
    REQUIRE(line != std::string::npos);
    CHECK(run.out.substr(line + 1, run.out.find('\n', line + 1) - line - 1).ends_with("yes        yes"));
  }
  CHECK(supported >= 1);
  const RunOptions wrong{.input = "", .environment = {{"WEFT_TARGET", "AVX9000"}}, .output = "", .interrupt = false};
  CheckError(Weft({"targets"}, wrong), 2, "AVX9000");
  CHECK(Weft({"targets"}, wrong).err.find(ActiveTarget()) != std::string::npos);
}

TEST_CASE("weft: files that cannot be used give one line that names them") {
  TinyModel model;
  const std::string text = model.folder / "text.gguf";
  std::ofstream(text) << "This is not a model.";
  const std::vector<std::string> bad = {model.folder / "absent.gguf", model.folder / "", text, "/dev/null"};
  for (const std::string& path : bad) {
    CAPTURE(path);
    CheckError(Weft({"generate", path}), 1, path);
    CheckError(Weft({"tokenize", path, "text"}), 1, path);
    CheckError(Weft({"logits", path, "--tokens", "1", "-o", model.folder / "out"}), 1, path);
    CheckError(Weft({"info", path}), 1, path);
  }
  const std::string no_file = model.folder / "prompt.txt";
  CheckError(Weft({"generate", model.path, "--file", no_file}), 1, no_file);
  CheckError(Weft({"tokenize", model.path, "--file", model.folder / ""}), 1, model.folder / "");
}

TEST_CASE("weft generate: the prompt, its continuation and a newline; the report on stderr") {
  TinyModel model;
  const RunResult run = Weft({"generate", model.path, "-p", "ab a", "--temp", "0", "-n", "20", "-t", "1"});
  CHECK(run.status == 0);
  CHECK(run.out.starts_with("ab a"));
  CHECK(run.out.back() == '\n');
  for (const char* word : {"tokens/s", "prompt:", "generation:", ActiveTarget(), "1 thread", "weights", "KV cache",
                           "buffers", "peak resident", "MiB"}) {
    CAPTURE(word);
    CHECK(run.err.find(word) != std::string::npos);
  }
  // The same for any number of threads, for a prompt from a file and from standard input.
  const std::string file = model.folder / "prompt.txt";
  std::ofstream(file) << "ab a";
  for (const char* threads : {"2", "3", "0"}) {
    CHECK(Weft({"generate", model.path, "--file", file, "--temp", "0", "-n", "20", "-t", threads}).out == run.out);
  }
  const RunOptions input{.input = "ab a", .environment = {}, .output = "", .interrupt = false};
  CHECK(Weft({"generate", model.path, "--file", "-", "--temp", "0", "-n", "20"}, input).out == run.out);

  CHECK(Weft({"generate", model.path, "-p", "ab a", "-n", "0"}).out == "ab a\n");
  const auto sample = [&](const char* seed) {
    return Weft({"generate", model.path, "-n", "40", "--temp", "2", "--top-k", "0", "--seed", seed}).out;
  };
  CHECK(sample("1") == sample("1"));
  CHECK(sample("1") != sample("2"));
}

TEST_CASE("weft generate: stops before a stop text, and where the context is full") {
  TinyModel model;
  const std::vector<std::string> command = {"generate", model.path, "-p", "ab", "--temp", "0", "-n", "30"};
  const std::string all = Weft(command).out;
  const std::string continuation = all.substr(2, all.size() - 3);
  REQUIRE(continuation.size() >= 6);
  auto stopped = command;
  const std::string stop = continuation.substr(3, 2);
  stopped.insert(stopped.end(), {"--stop", "not there", "--stop", stop});
  CHECK(Weft(stopped).out == "ab" + continuation.substr(0, continuation.find(stop)) + "\n");

  // Stop texts that the option parser could stumble over: taken, without harm to the other options.
  for (const std::string text : {"{}", "[b]", "-n"}) {
    CAPTURE(text);
    const RunResult run = Weft({"generate", model.path, "-p", "ab", "--temp", "0", "-n", "30", "--stop=" + text});
    CHECK(run.status == 0);
    CHECK(run.out == all);  // none of them occurs
  }

  const RunResult full = Weft({"generate", model.path, "-p", "ab", "--temp", "0", "-n", "30", "-c", "8"});
  CHECK(full.status == 0);
  CHECK(all.starts_with(full.out.substr(0, full.out.size() - 1)));
  CHECK(full.err.find("context of 8 tokens is full") != std::string::npos);
  const RunResult trained = Weft({"generate", model.path, "--temp", "0", "-n", "100000"});
  CHECK(trained.status == 0);
  CHECK(trained.err.find("context of 64 tokens is full") != std::string::npos);
  CheckError(Weft({"generate", model.path, "-p", "abababababababab", "-c", "3"}), 1, "prompt");
}

TEST_CASE("weft generate: keys and values are kept in the type that was asked for") {
  TinyModel model;
  const auto report = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"generate", model.path, "-p", "ab", "-n", "3", "-c", "16384"});
    const RunResult run = Weft(arguments);
    CHECK(run.status == 0);
    const size_t begin = run.err.find("KV cache ");
    REQUIRE(begin != std::string::npos);
    return run.err.substr(begin, run.err.find(',', begin) - begin);
  };
  CHECK(report({}) == "KV cache 1.0 MiB");
  CHECK(report({"--kv-type", "f16"}) == "KV cache 1.0 MiB");
  CHECK(report({"--kv-type", "bf16"}) == "KV cache 1.0 MiB");
  CHECK(report({"--kv-type", "f32"}) == "KV cache 2.0 MiB");
}

TEST_CASE("weft generate: an interrupt ends the line and reports") {
  TinyModel model;
  const RunOptions interrupt{.input = "", .environment = {}, .output = "", .interrupt = true};
  const RunResult run =
      Weft({"generate", model.path, "-p", "ab", "--temp", "0", "-n", "1000000", "-c", "1000001"}, interrupt);
  CHECK(run.status == 0);
  CHECK(run.out.starts_with("ab"));
  CHECK(run.out.back() == '\n');
  CHECK(run.err.find("generation:") != std::string::npos);
  CHECK(run.err.find("generation: 1000000 tokens") == std::string::npos);
}

TEST_CASE("weft: a full disk is an error") {
  if (access("/dev/full", W_OK) != 0) {
    std::printf("SKIPPED: there is no /dev/full\n");
    return;
  }
  TinyModel model;
  const RunOptions full{.input = "", .environment = {}, .output = "/dev/full", .interrupt = false};
  CheckError(Weft({"generate", model.path, "-n", "3"}, full), 1, "standard output");
  CheckError(Weft({"tokenize", model.path, "ab"}, full), 1, "standard output");
  CheckError(Weft({"logits", model.path, "--tokens", "1", "-o", "/dev/full"}), 1, "/dev/full");
}

TEST_CASE("weft tokenize: ids or quoted pieces, with and without BOS") {
  TinyModel model;  // 259 is the space, 260 a, 261 b, 262 space a, 263 ab
  const auto out = [&](std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"tokenize", model.path});
    const RunResult run = Weft(arguments, {.input = input, .environment = {}, .output = "", .interrupt = false});
    CHECK(run.status == 0);
    CHECK(run.err == "");
    return run.out;
  };
  CHECK(out({"b", "--ids"}) == "1 259 261\n");
  CHECK(out({"b", "--ids", "--no-bos"}) == "259 261\n");
  CHECK(out({"", "--ids", "--no-bos"}) == "\n");
  CHECK(out({"b\n\"\xFF"}) == "1\t\"\"\n259\t\" \"\n261\t\"b\"\n13\t\"\\n\"\n37\t\"\\\"\"\n258\t\"\\xFF\"\n");
  CHECK(out({"--file", "-", "--ids", "--no-bos"}, "b\n") == "259 261 13\n");
  CHECK(out({"<s>", "--ids", "--no-bos"}) == "259 63 118 65\n");
  CHECK(out({"--ids", "--", "--b"}) == "1 259 48 48 261\n");
}

TEST_CASE("weft logits: one row per token, the same pass as generate") {
  TinyModel model;
  const std::string file = model.folder / "logits.f32", ids_file = model.folder / "ids.txt";
  const auto logits = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"logits", model.path, "-o", file});
    const RunResult run = Weft(arguments);
    CHECK(run.status == 0);
    CHECK(run.out == "");
    CHECK(run.err == "");
    return Floats(file);
  };
  const std::vector<float> prompt = logits({"--tokens", "1,262,261"});
  CHECK(prompt.size() == 3 * 264);
  std::ofstream(ids_file) << "1 262\n261,\n";
  CHECK(logits({"--tokens", "@" + ids_file}) == prompt);
  CHECK(logits({"--tokens", "1 262 261", "-t", "3"}) == prompt);
  const std::vector<float> first = logits({"--tokens", "1"});
  const std::vector<float> decoded = logits({"--tokens", "1,262,261", "--decode"});
  REQUIRE(decoded.size() == prompt.size());
  CHECK(std::equal(first.begin(), first.end(), decoded.begin()));
  CHECK(model.folder.files() == 3);  // the model and the two files: nothing temporary

  // Keys and values in another type: near, not the same, unless it is the usual one.
  CHECK(logits({"--tokens", "1,262,261", "--kv-type", "f32"}) == prompt);
  for (const char* type : {"f16", "bf16"}) {
    const std::vector<float> rounded = logits({"--tokens", "1,262,261", "--kv-type", type});
    REQUIRE(rounded.size() == prompt.size());
    CHECK(rounded != prompt);
    double largest = 0, difference = 0;
    for (size_t i = 0; i < prompt.size(); ++i) {
      largest = std::fmax(largest, std::fabs(prompt[i]));
      difference = std::fmax(difference, std::fabs(prompt[i] - rounded[i]));
    }
    CHECK(difference < 0.02 * largest);
  }

  // What generate samples from: its greedy text is the argmax of these rows, fed back.
  std::string ids = "1,262", text = "a";
  const Bytes bytes = TinyLlama().Finish();
  const Gguf gguf = *Gguf::Parse(bytes, "tiny");
  const auto tokenizer = *Tokenizer::Load(gguf);
  for (int i = 0; i < 5; ++i) {
    const std::vector<float> rows = logits({"--tokens", ids, "--decode", "--kv-type", "f16"});
    REQUIRE(rows.size() >= 264);
    const auto last = rows.end() - 264;
    const auto token = static_cast<TokenId>(std::max_element(last, rows.end()) - last);
    REQUIRE_FALSE(tokenizer->IsEndOfText(token));
    ids += "," + std::to_string(token);
    text += tokenizer->Piece(token, false);
  }
  CHECK(Weft({"generate", model.path, "-p", "a", "--temp", "0", "-n", "5"}).out == text + "\n");
}

TEST_CASE("weft logits: errors leave no file") {
  TinyModel model;
  const std::string file = model.folder / "logits.f32";
  CheckError(Weft({"logits", model.path, "--tokens", "1,264", "-o", file}), 1, "264");
  for (const char* ids : {"1,x", "-1", "1.5", "", ",", "4294967296", "1;2"}) {
    CAPTURE(ids);
    CheckError(Weft({"logits", model.path, "--tokens", ids, "-o", file}), 2, "--tokens");
  }
  CheckError(Weft({"logits", model.path, "--tokens", "@" + (model.folder / "none"), "-o", file}), 1, "none");
  CheckError(Weft({"logits", model.path, "--tokens", "1", "-o", model.folder / "no/such/folder"}), 1, "no/such/folder");
  CheckError(Weft({"logits", model.path, "--tokens", "1", "-o", model.folder / ""}), 1, model.folder / "");
  CHECK(model.folder.files() == 1);
}

TEST_CASE("weft generate: stories260K gives the published text") {
  const auto path = SharedData("stories260K/stories260K.gguf");
  const auto json = SharedData("stories260K/expected.json");
  if (!path || !json) return;
  const std::string expected = ReadWhole(*json);
  const size_t begin = expected.find("\"text\": \"") + 9;
  std::string text;
  for (size_t i = begin; expected.at(i) != '"'; ++i) {
    if (expected[i] != '\\') {
      text += expected[i];
    } else {
      text += expected.at(++i) == 'n' ? '\n' : expected[i];
    }
  }
  REQUIRE(text.starts_with("Once upon a time"));
  for (const char* threads : {"1", "2", "5"}) {
    const RunResult run = Weft({"generate", *path, "--temp", "0", "-n", "200", "-t", threads});
    CHECK(run.status == 0);
    CHECK(run.out == text + "\n");
  }
}

TEST_CASE("weft: a model without a tokenizer") {
  const auto path = SharedData("archs/llama.gguf");
  if (!path) return;
  CheckError(Weft({"generate", *path}), 1, "no tokenizer");
  CheckError(Weft({"tokenize", *path, "text"}), 1, "no tokenizer");
}

}  // namespace weft::engine::test

#endif  // WEFT_PROGRAM
