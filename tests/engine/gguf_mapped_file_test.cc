#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "reference/gguf/mapped_file.h"

namespace weft::engine::test {
namespace {

// A folder of our own that goes away with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string OpenError(const std::string& path) {
  const Result<MappedFile> file = MappedFile::Open(path);
  return file.ok() ? "no error" : file.error().message;
}

}  // namespace

TEST_CASE("MappedFile: the bytes of a file, also after it was moved and deleted") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.bin", other_path = folder / "b.bin";
  std::ofstream(path) << "twelve bytes";
  std::ofstream(other_path) << "other";
  Result<MappedFile> file = MappedFile::Open(path);
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  Result<MappedFile> other = MappedFile::Open(other_path);
  REQUIRE(other.ok());
  *other = std::move(*file);
  std::filesystem::remove(path);
  const MappedFile moved = std::move(*other);
  CHECK(std::string(moved.bytes().begin(), moved.bytes().end()) == "twelve bytes");
  CHECK(other->bytes().empty());
}

TEST_CASE("MappedFile: errors name the path and the reason") {
  const TemporaryFolder folder;
  const std::string absent = folder / "absent.gguf", empty = folder / "empty.gguf", pipe = folder / "pipe";
  CHECK(OpenError(absent) == absent + ": cannot open: No such file or directory");
  std::ofstream(empty).flush();
  CHECK(OpenError(empty) == empty + ": is empty");
  CHECK(OpenError(folder.path()) == folder.path() + ": is a folder, not a file");
  CHECK(OpenError("/dev/null") == "/dev/null: is not a regular file, so it cannot be mapped");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(OpenError(pipe) == pipe + ": is not a regular file, so it cannot be mapped");  // and does not hang
  CHECK(OpenError("") == ": cannot open: No such file or directory");
}

}  // namespace weft::engine::test
