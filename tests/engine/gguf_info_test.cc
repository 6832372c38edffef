// `weft info`, run as the program.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/engine/gguf_writer.h"
#include "tests/engine/tiny_llama.h"

namespace weft::engine::test {
namespace {

struct Run {
  int status = -1;
  std::string out;  // what the program wrote on the streams that the shell's `redirection` leads to the pipe
};

// A file that goes away with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const Bytes& bytes) {
    std::string name = (std::filesystem::temp_directory_path() / "weft-info-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    close(descriptor);
    path_ = name;
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Run Info(const std::string& path, const std::string& redirection) {
  Run run;
  std::FILE* pipe = popen((WEFT_EMULATOR " '" WEFT_PROGRAM "' info '" + path + "' " + redirection).c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  while (const size_t read = std::fread(buffer, 1, sizeof(buffer), pipe)) run.out.append(buffer, read);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) run.status = WEXITSTATUS(status);
  return run;
}

bool HasLine(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("weft info: metadata, tensors, totals and memory of a model") {
  GgufWriter writer = TinyLlama();
  const TemporaryFile file(writer.Finish());
  const Run run = Info(file.path(), "2>/dev/null");
  INFO(run.out);
  CHECK(run.status == 0);
  CHECK(HasLine(run.out, "metadata: 30 keys"));
  CHECK(HasLine(run.out, "  general.architecture                    string    \"llama\""));
  CHECK(HasLine(run.out, "  llama.attention.layer_norm_rms_epsilon  f32       1e-05"));
  CHECK(HasLine(run.out, "  test.bools                              bool[]    [false, true, true]"));
  CHECK(
      HasLine(run.out, "  tokenizer.ggml.scores                   f32[]     [-0, -1, -2, -3, -4, -5, ... 264 in all]"));
  CHECK(HasLine(run.out, "tensors: 11"));
  CHECK(HasLine(run.out, "  blk.0.attn_output.weight  Q8_0     32 x 32           1088 bytes"));
  CHECK(HasLine(run.out, "  blk.0.attn_norm.weight    F32      32                 128 bytes"));
  // 264 x 32 embedding, 3 norms, 32 x 32 + 2 x 16 x 32 attention, 3 x 32 x 64 feed-forward; and 32 x 32 in Q8_0.
  CHECK(HasLine(run.out, "  F32          10 tensors            16736 weights      65.4 KiB  32 bits per weight"));
  CHECK(HasLine(run.out, "  Q8_0          1 tensor              1024 weights       1.1 KiB  8.5 bits per weight"));
  CHECK(HasLine(run.out, "  all          11 tensors            17760 weights      66.4 KiB  30.65 bits per weight"));
  CHECK(HasLine(run.out, "  weights                       66.4 KiB  mapped from the file"));
  // One layer, one head of 16 for keys and one for values, 4 bytes each.
  CHECK(HasLine(run.out, "  keys and values, F16           4.0 KiB  64 positions of 64 bytes"));
}

TEST_CASE("weft info: a file that weft cannot run is described all the same") {
  GgufWriter writer;
  writer.AddString("general.architecture", "x\x1B[2J").AddTensor("scalar", {}, std::vector<float>{1});
  const TemporaryFile file(writer.Finish());
  const Run run = Info(file.path(), "2>/dev/null");
  INFO(run.out);
  CHECK(run.status == 0);
  CHECK(HasLine(run.out, "  general.architecture  string    \"x\\x1B[2J\""));
  CHECK(HasLine(run.out, "  scalar  F32      scalar             4 bytes"));
  CHECK(run.out.find("  weft cannot run it: " + file.path() + ": ") != std::string::npos);
  CHECK(run.out.find('\x1B') == std::string::npos);
}

TEST_CASE("weft info: what is not a GGUF file is one line on stderr and status 1") {
  const TemporaryFile file(Bytes{'<', 'h', 't', 'm', 'l'});
  const Run errors = Info(file.path(), "2>&1 >/dev/null");
  CHECK(errors.status == 1);
  CHECK(errors.out.starts_with("weft: " + file.path() + ": is not a GGUF file but a web page (HTML)"));
  CHECK(std::count(errors.out.begin(), errors.out.end(), '\n') == 1);
  CHECK(Info(file.path(), "2>/dev/null").out.empty());
  CHECK(Info(file.path() + ".absent", "2>&1 >/dev/null").out ==
        "weft: " + file.path() + ".absent: cannot open: No such file or directory\n");
}

}  // namespace weft::engine::test
