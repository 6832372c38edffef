// What `weft` reads and writes: standard output, byte order marks, files that shrink, signals; and its notes.
#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/engine/json.h"
#include "tests/engine/test_data.h"
#include "tests/engine/test_model.h"
#include "tests/engine/tiny_llama.h"
#include "tests/engine/weft_program.h"

#ifdef WEFT_PROGRAM

namespace weft::engine::test {
namespace {

const std::string kMark = "\xEF\xBB\xBF";

struct TinyFile {
  TinyFile() : path(folder / "tiny.gguf") { Restore(); }
  void Restore() const {
    const Bytes bytes = TinyLlama().Finish();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  TemporaryFolder folder;
  std::string path;
};

std::string Repeated(const std::string& word, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += word;
  return text;
}

// Starts the program with the words given, waits until the shell's `condition` holds, and then does `action`, in which
// $child is the program. The status is the program's.
RunResult WeftThen(const std::string& words, const std::string& condition, const std::string& action) {
  return Run({"sh", "-c",
              WEFT_EMULATOR " '" WEFT_PROGRAM "' " + words + " & child=$!; while ! " + condition +
                  " && kill -0 $child; do sleep 0.01; done; " + action + "; wait $child"});
}

}  // namespace

TEST_CASE("weft logits and synth: -o - is standard output") {
  const TinyFile model;
  const std::string file = model.folder / "out";
  REQUIRE(Weft({"logits", model.path, "--tokens", "1,262", "-o", file}).status == 0);
  const RunResult run = Weft({"logits", model.path, "--tokens", "1,262", "-o", "-"});
  CHECK(run.status == 0);
  CHECK(run.out == ReadWhole(file));
  CHECK(run.out.size() == 2 * 264 * sizeof(float));
  CHECK(model.folder.files() == 2);
  CHECK(access("-", F_OK) != 0);
  if (access("/dev/full", W_OK) != 0) return;
  const RunOptions full{.input = "", .environment = {}, .output = "/dev/full", .interrupt = false};
  CheckError(Weft({"logits", model.path, "--tokens", "1", "-o", "-"}, full), 1, "standard output");
}

TEST_CASE("weft: a byte order mark at the start of a text file is no part of the text") {
  const TinyFile model;
  const std::string file = model.folder / "text", out = model.folder / "out";
  const auto write = [&](const std::string& text) { std::ofstream(file, std::ios::binary) << text; };
  const auto generate = [&] { return Weft({"generate", model.path, "--file", file, "--temp", "0", "-n", "5"}).out; };
  const auto tokenize = [&] { return Weft({"tokenize", model.path, "--file", file, "--ids"}).out; };
  write("ab a");
  const std::string text = generate(), ids = tokenize();
  write(kMark + "ab a");
  CHECK(generate() == text);
  CHECK(tokenize() == ids);
  write("ab" + kMark);
  CHECK(tokenize() == "1 262 261 242 190 194\n");  // only at the start
  write(kMark + "1 262");
  const RunResult run = Weft({"logits", model.path, "--tokens", "@" + file, "-o", out});
  CHECK(run.status == 0);
  CHECK(ReadWhole(out).size() == 2 * 264 * sizeof(float));
}

TEST_CASE("weft: notes about contexts longer than the trained one, and about threads that do not run") {
  const TinyFile model;  // trained on 64 tokens
  const std::string out = model.folder / "out";
  const std::string note = "weft: note: a context of 65 is more than the 64 tokens the model was trained for\n";
  const std::string ids = Repeated("262 ", 65);
  CHECK(Weft({"logits", model.path, "--tokens", ids, "-o", out}).err == note);
  CHECK(Weft({"logits", model.path, "--tokens", ids.substr(4), "-o", out}).err == "");
  const auto bench = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"bench", model.path, "-n", "0", "-r", "1", "-o", "json"});
    return Weft(options);
  };
  CHECK(Contains(bench({"-p", "5", "-d", "0,60", "-t", "1"}).err, note));
  CHECK_FALSE(Contains(bench({"-p", "4", "-d", "60", "-t", "1"}).err, "note"));
  CHECK(Contains(Weft({"generate", model.path, "-n", "2", "-c", "65"}).err, note));

  const RunResult many = bench({"-p", "2", "-t", "80"});
  CHECK(many.status == 0);
  CHECK(Contains(many.err, "weft: note: 80 threads are too many, 64 run\n"));
  const Json results = Json::Parse(many.out);
  REQUIRE(results.list.size() == 1);
  CHECK(results.list[0].object.at("n_threads").number == 64);
  CHECK(Contains(Weft({"generate", model.path, "-n", "2", "-t", "80"}).err, "80 threads are too many, 64 run"));
}

TEST_CASE("weft: a model file that shrinks while it is in use is one line, status 1, and no file is left") {
  const TinyFile model;
  const std::string ids = model.folder / "ids", out = model.folder / "out", text = model.folder / "text";
  std::ofstream(ids) << Repeated("262 ", 60000);
  const std::string line = "weft: " + model.path + ": the file has become shorter while it was read\n";
  for (const char* threads : {"1", "4"}) {
    CAPTURE(threads);
    model.Restore();
    const RunResult logits =
        WeftThen("logits '" + model.path + "' --decode --tokens '@" + ids + "' -o '" + out + "' -t " + threads,
                 "ls '" + out + "'.*.tmp >/dev/null 2>&1", ": > '" + model.path + "'");
    CHECK(logits.status == 1);
    CHECK(logits.out == "");
    CHECK(logits.err.ends_with(line));
    CHECK(model.folder.files() == 2);  // the model and the ids

    model.Restore();
    const RunResult generated =
        WeftThen("generate '" + model.path + "' --temp 0 -n 1000000 -c 1000001 -t " + threads + " > '" + text + "'",
                 "[ -s '" + text + "' ]", ": > '" + model.path + "'");
    CHECK(generated.status == 1);
    CHECK(generated.err.ends_with(line));
    std::filesystem::remove(text);
  }
}

TEST_CASE("weft: a signal that ends the program leaves no temporary file") {
  const TinyFile model;
  const std::string ids = model.folder / "ids", out = model.folder / "out";
  std::ofstream(ids) << Repeated("262 ", 60000);
  for (const auto& [name, number] : {std::pair<std::string, int>{"TERM", 15}, {"HUP", 1}}) {
    CAPTURE(name);
    const RunResult run = WeftThen("logits '" + model.path + "' --decode --tokens '@" + ids + "' -o '" + out + "'",
                                   "ls '" + out + "'.*.tmp >/dev/null 2>&1", "kill -" + name + " $child");
    CHECK(run.status == 128 + number);
    CHECK(model.folder.files() == 2);
  }
}

TEST_CASE("weft info: a long name does not widen the other lines") {
  const TinyFile model;
  GgufWriter writer;
  const std::string wide(60000, 'w');
  writer.AddUint("general.x", 1).AddUint(wide, 2);
  for (int i = 0; i < 3000; ++i) writer.AddUint("k" + std::to_string(i), 1);
  writer.AddTensor("t", {2}, std::vector<float>(2)).AddTensor(wide, {3}, std::vector<float>(3));
  const Bytes bytes = writer.Finish();
  const std::string path = model.folder / "wide.gguf";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  const RunResult run = Weft({"info", path});
  CHECK(run.status == 0);
  size_t lines = 0;
  for (size_t at = 0; at < run.out.size(); ++lines) {
    const size_t end = run.out.find('\n', at);
    if (run.out[at + 2] == 'k') REQUIRE(end - at <= 80);
    at = end + 1;
  }
  CHECK(lines > 3000);
}

}  // namespace weft::engine::test

#endif  // WEFT_PROGRAM
