// Runs the program `weft`; for tests that were built with it (WEFT_PROGRAM is its path).
#ifndef WEFT_TESTS_ENGINE_WEFT_PROGRAM_H_
#define WEFT_TESTS_ENGINE_WEFT_PROGRAM_H_

#ifdef WEFT_PROGRAM

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "tests/engine/child_process.h"

namespace weft::engine::test {

// The build says how to start the program: WEFT_EMULATOR are the words in front of it, none where it runs natively.
inline RunResult Weft(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
  std::vector<std::string> command;
#ifdef WEFT_EMULATOR
  std::istringstream words(WEFT_EMULATOR);
  for (std::string word; words >> word;) command.push_back(word);
#endif
  command.push_back(WEFT_PROGRAM);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return Run(command, options);
}

// One line that begins with "weft: " and mentions `what`.
inline void CheckError(const RunResult& run, int status, const std::string& what) {
  CAPTURE(run.err);
  CHECK(run.status == status);
  CHECK(run.out == "");
  CHECK(run.err.starts_with("weft: "));
  CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
  CHECK(run.err.back() == '\n');
  CHECK(run.err.find(what) != std::string::npos);
}

}  // namespace weft::engine::test

#endif  // WEFT_PROGRAM

#endif  // WEFT_TESTS_ENGINE_WEFT_PROGRAM_H_
