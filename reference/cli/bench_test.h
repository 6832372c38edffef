// What `weft bench` measures.
#ifndef WEFT_REFERENCE_CLI_BENCH_TEST_H_
#define WEFT_REFERENCE_CLI_BENCH_TEST_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace weft::engine::cli {

// Either a prompt of `prompt` tokens or the generation of `generated` tokens, after `depth` tokens.
struct BenchTest {
  size_t prompt = 0, generated = 0, depth = 0, threads = 0;

  size_t tokens() const { return prompt + generated; }
  // As llama-bench calls them: pp512, tg128, pp512@d4096.
  std::string Name() const {
    const std::string name = prompt != 0 ? "pp" + std::to_string(prompt) : "tg" + std::to_string(generated);
    return depth == 0 ? name : name + "@d" + std::to_string(depth);
  }
};

// A line of a profile: what the runs of a test spent on one kind of operation.
struct BenchOperation {
  std::string name, type;                   // the type of a product's weights; empty for others
  double seconds = 0;                       // per token
  double share = 0;                         // of all time
  std::optional<double> roofline_fraction;  // of products
};

struct BenchResult {
  BenchTest test;
  double mean = 0, deviation = 0;  // tokens per second
  double roofline_fraction = 0;    // of the time that the tokens take, what the machine would need at least

  std::vector<BenchOperation> profile;  // what takes most time first, the rest that no operation explains last

  // What the roofline is made of: multiply-accumulates for prompts, bytes read for generation.
  const char* roofline() const { return test.prompt != 0 ? "compute" : "read"; }
};

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_BENCH_TEST_H_
