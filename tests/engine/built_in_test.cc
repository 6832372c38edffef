// The model inside the program: what every command does without a MODEL argument.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "reference/gguf/gguf.h"
#include "reference/model/model.h"
#include "reference/models/built_in.h"
#include "reference/text/tokenizer.h"
#include "tests/engine/weft_program.h"

namespace weft::engine {
namespace {

TEST_CASE("built-in model: a valid Llama with a tokenizer, in quantised form") {
  const Result<Gguf> file = Gguf::Parse(BuiltInModel(), "built-in model");
  REQUIRE(file.ok());
  const Result<Model> model = LoadModel(*file);
  REQUIRE(model.ok());
  CHECK(model->config.architecture == "llama");
  CHECK(model->config.layers[0].kv_heads < model->config.layers[0].heads);
  CHECK(model->config.context >= 512);
  CHECK(model->config.width % 256 == 0);
  CHECK(model->config.layers[0].ffn_width % 256 == 0);
  CHECK(model->layers[0].gate.weight.type == DType::kQ8_0);
  CHECK(BuiltInModel().size() <= 6u << 20);

  const auto tokenizer = Tokenizer::Load(*file);
  REQUIRE(tokenizer.ok());
  const std::string text = "Once upon a time there was a girl.";
  std::string decoded;
  bool first = true;
  for (const TokenId id : (*tokenizer)->Encode(text)) {
    decoded += (*tokenizer)->Piece(id, first);
    first = false;
  }
  CHECK(decoded == text);
}

#ifdef WEFT_PROGRAM
TEST_CASE("built-in model: generate, tokenize, info and logits work without MODEL") {
  using test::Weft;
  const auto story = Weft({"generate", "--seed", "1", "-n", "200"});
  CHECK(story.status == 0);
  CHECK(std::count(story.out.begin(), story.out.end(), '.') >= 5);  // sentences
  CHECK(story.out.size() > 400);
  CHECK(Weft({"generate", "--seed", "1", "-n", "200", "-t", "1"}).out == story.out);
  const auto continued = Weft({"generate", "-p", "Once upon a time there was a", "-n", "5"});
  CHECK(continued.status == 0);
  CHECK(continued.out.find("Once upon a time there was a") == 0);

  const auto ids = Weft({"tokenize", "Once upon", "--ids"});
  CHECK(ids.status == 0);
  CHECK(ids.out.find(' ') != std::string::npos);
  const auto info = Weft({"info"});
  CHECK(info.status == 0);
  CHECK(info.out.find("built-in model: GGUF") == 0);
}
#endif

}  // namespace
}  // namespace weft::engine
