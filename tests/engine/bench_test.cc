// `weft bench`: the shape of its reports, not the speeds.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "reference/model/profile.h"
#include "tests/engine/json.h"
#include "tests/engine/test_model.h"
#include "tests/engine/tiny_llama.h"
#include "tests/engine/weft_program.h"

namespace weft::engine::test {

TEST_CASE("profile: all products and operations of a pass, and nothing without one") {
  const LoadedModel loaded(RandomModel(ShapeOf("qwen3")));
  Transformer transformer = MakeTransformer(loaded.model());
  Sequence sequence = MakeSequence(loaded.config());
  Profile profile;
  transformer.SetProfile(&profile);
  AllLogits(transformer, sequence, RandomTokens(3, loaded.config().vocabulary));
  const size_t operations = profile.entries().size();
  const auto find = [&](const std::string& name) {
    const auto found = std::ranges::find(profile.entries(), name, &ProfileEntry::name);
    REQUIRE_MESSAGE(found != profile.entries().end(), name);
    return *found;
  };
  for (const char* name : {"embedding", "norm", "rope", "kv cache", "attention"}) {
    CHECK(find(name).seconds > 0);
    CHECK_FALSE(find(name).product);
  }
  for (const char* name : {"attn_q + attn_k + attn_v", "attn_output", "ffn_gate + ffn_up", "ffn_down", "output"}) {
    CHECK(find(name).product);
  }
  const double layers = 2, tokens = 3;
  CHECK(find("ffn_gate + ffn_up").macs == layers * tokens * 2 * 64 * 96);
  CHECK(find("ffn_gate + ffn_up").bytes == layers * 2 * 64 * 96 * 4);
  CHECK(find("attn_output").macs == layers * tokens * 64 * 128);

  transformer.SetProfile(nullptr);
  const double before = find("norm").seconds;
  AllLogits(transformer, sequence, RandomTokens(3, loaded.config().vocabulary));
  CHECK(find("norm").seconds == before);
  CHECK(profile.entries().size() == operations);
}

#ifdef WEFT_PROGRAM
namespace {

struct TinyModelFile {
  TinyModelFile() : path(folder / "a \"tiny\", model.gguf") {
    const Bytes bytes = TinyLlama().Finish();
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  TemporaryFolder folder;
  std::string path;
};

RunResult Bench(const std::string& path, std::vector<std::string> options) {
  options.insert(options.begin(), {"bench", path});
  const RunResult run = Weft(options);
  CAPTURE(run.err);
  CHECK(run.status == 0);
  return run;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool HasLineWith(const std::string& text, const std::string& a, const std::string& b) {
  return std::ranges::any_of(Lines(text),
                             [&](const std::string& line) { return Contains(line, a) && Contains(line, b); });
}

}  // namespace

TEST_CASE("weft bench: JSON has a result for every combination, with a profile that explains the time") {
  const TinyModelFile model;
  const RunResult run = Bench(
      model.path, {"-p", "8,3", "-n", "0", "-n", "2", "-d", "0,5", "-t", "1,2", "-r", "2", "-o", "json", "--profile"});
  const Json results = Json::Parse(run.out);
  std::string names;
  for (const Json& result : results.list) {
    const auto& object = result.object;
    names += object.at("test").text + "/" + std::to_string(static_cast<int>(object.at("n_threads").number)) + " ";
    CHECK(object.at("n_prompt").number + object.at("n_gen").number > 0);
    CHECK(object.at("n_depth").number == (Contains(object.at("test").text, "@d5") ? 5 : 0));
    CHECK(object.at("avg_ts").number > 0);
    CHECK(object.at("stddev_ts").number >= 0);
    CHECK(object.at("model").text == "a \"tiny\", model.gguf");
    CHECK(object.at("model_bytes").number > 60000);
    CHECK(object.at("target").text == ActiveTarget());
    CHECK(object.at("kv_type").text == "F16");
    CHECK(object.at("roofline_fraction").number > 0);
    CHECK(object.at("roofline_fraction").number < 1.5);
    double share = 0;
    for (const Json& operation : object.at("profile").list) {
      share += operation.object.at("share").number;
      CHECK(operation.object.contains("roofline_fraction") == (operation.object.at("type").text != ""));
    }
    CHECK(share == doctest::Approx(1.0).epsilon(0.01));
  }
  CHECK(names == "pp8/1 pp3/1 tg2/1 pp8@d5/1 pp3@d5/1 tg2@d5/1 pp8/2 pp3/2 tg2/2 pp8@d5/2 pp3@d5/2 tg2@d5/2 ");
}

TEST_CASE("weft bench: tables for people and for programs") {
  const TinyModelFile model;
  const std::string csv =
      Bench(model.path, {"-p", "4", "-n", "0", "-r", "1", "-t", "1", "-o", "csv", "--kv-type", "bf16"}).out;
  REQUIRE(Lines(csv).size() == 2);
  CHECK(Lines(csv)[0] ==
        "test,n_prompt,n_gen,n_depth,n_threads,avg_ts,stddev_ts,model,model_bytes,target,roofline_fraction,kv_type");
  CHECK(Lines(csv)[1].starts_with("pp4,4,0,0,1,"));
  CHECK(Lines(csv)[1].ends_with(",BF16"));
  CHECK(Contains(csv, ",0,\"a \"\"tiny\"\", model.gguf\","));

  const RunResult run = Bench(model.path, {"-p", "4", "-n", "0", "-r", "2", "-t", "1", "--profile"});
  const std::vector<std::string> lines = Lines(run.out);
  REQUIRE(lines.size() > 6);
  for (size_t i = 0; i < 3; ++i) CHECK(std::ranges::count(lines[i], '|') == 8);
  CHECK(HasLineWith(run.out, " pp4 |", " ± "));
  CHECK(HasLineWith(run.out, "| attention ", " % "));
  CHECK(HasLineWith(run.out, "| attn_output ", "| Q8_0 "));
  CHECK(HasLineWith(run.out, "| output ", " % compute |"));
  CHECK(Contains(run.err, "1/1: pp4, 1 thread\n"));
}

TEST_CASE("weft bench: one line for what cannot be measured") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad_values = {
      {"--n-prompt", {"x", "-1", "1,x", "1.5", "", "5000000000"}},
      {"--n-gen", {"x", "1;2"}},
      {"--n-depth", {"x", "-1"}},
      {"--threads", {"x", "-1", "1,x", "5000"}},
      {"--repetitions", {"0", "x"}},
      {"--output", {"xml", ""}},
  };
  for (const auto& [option, values] : bad_values) {
    for (const std::string& value : values) {
      CAPTURE(option + " " + value);
      CheckError(Weft({"bench", option, value}), 2, option);
    }
  }
  CheckError(Weft({"bench", "-p", "0", "-n", "0"}), 2, "--n-prompt");
  CheckError(Weft({"bench", "--profile", "-o", "csv"}), 2, "--profile");
  CheckError(Weft({"bench", "absent.gguf"}), 1, "absent.gguf");

  const TemporaryFolder folder;
  const std::string gpt2 = folder / "gpt2.gguf";
  const Bytes bytes = RandomModel(ShapeOf("gpt2")).Write();
  std::ofstream(gpt2, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  CheckError(Weft({"bench", gpt2, "-d", "60", "-p", "8"}), 1, "pp8@d60 needs a context of 68 tokens");
}
#endif

}  // namespace weft::engine::test
