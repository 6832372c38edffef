// Runs programs for tests.
#ifndef WEFT_TESTS_ENGINE_CHILD_PROCESS_H_
#define WEFT_TESTS_ENGINE_CHILD_PROCESS_H_

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace weft::engine::test {

// A folder that is removed with all it holds.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() / ("weft_test." + std::to_string(std::random_device()()))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  size_t files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {})); }

 private:
  std::filesystem::path path_;
};

inline std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct RunOptions {
  std::string input;                                             // on standard input
  std::vector<std::pair<std::string, std::string>> environment;  // added to this process's
  std::string output;                                            // a file for standard output, instead of `out`
  bool interrupt = false;                                        // send SIGINT as soon as there is some output
};

struct RunResult {
  int status = -1;  // exit status, or 1000 + signal
  std::string out, err;
};

// Runs a program to its end. The program's name is looked up like a shell does.
inline RunResult Run(const std::vector<std::string>& command, const RunOptions& options = {}) {
  const TemporaryFolder folder;
  const std::string in = folder / "in", out = options.output.empty() ? folder / "out" : options.output,
                    err = folder / "err";
  std::ofstream(in, std::ios::binary) << options.input;
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  const pid_t child = fork();
  if (child == 0) {
    for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
    dup2(open(in.c_str(), O_RDONLY), 0);
    dup2(open(out.c_str(), O_WRONLY | O_CREAT, 0600), 1);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT, 0600), 2);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  RunResult result;
  if (child < 0) return result;
  int status = 0;
  bool ended = false;
  if (options.interrupt) {
    while (!ended && ReadWhole(out).empty()) {
      ended = waitpid(child, &status, WNOHANG) == child;
      usleep(1000);
    }
    if (!ended) kill(child, SIGINT);
  }
  if (!ended && waitpid(child, &status, 0) != child) return result;
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  if (options.output.empty()) result.out = ReadWhole(out);
  result.err = ReadWhole(err);
  return result;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_CHILD_PROCESS_H_
