// What must not change a bit of the forward pass's results.
#include <doctest/doctest.h>

#include "reference/base/thread_pool.h"
#include "reference/model/transformer.h"
#include "tests/engine/reference_model.h"
#include "tests/engine/test_model.h"
#include "tests/engine/wide_models.h"

namespace weft::engine::test {
namespace {

constexpr TransformerOptions kUniform = {.summation = Summation::kUniform};

TEST_CASE("transformer: any number of threads gives the same bits") {
  const std::vector<uint32_t> tokens = RandomTokens(40, 80);
  ThreadPool three(3);
  ForEachWideModel([&](const std::string& name, const LoadedModel& loaded) {
    for (const size_t piece : {size_t{1}, size_t{5}, tokens.size()}) {
      const std::vector<float> one = AllLogits(loaded.model(), tokens, piece);
      CHECK_MESSAGE(AllLogits(loaded.model(), tokens, piece, three.executor()) == one, name, ", ", piece,
                    " tokens at a time");
    }
  });
}

TEST_CASE("transformer: with uniform summation, any cut into batches gives the same bits") {
  const std::vector<uint32_t> tokens = RandomTokens(40, 80);
  ForEachWideModel([&](const std::string& name, const LoadedModel& loaded) {
    const std::vector<float> whole = AllLogits(loaded.model(), tokens, tokens.size(), {}, kUniform);
    for (const size_t piece : {1, 3, 8, 17}) {
      CHECK_MESSAGE(AllLogits(loaded.model(), tokens, piece, {}, kUniform) == whole, name, ", ", piece,
                    " tokens at a time");
    }
  });
}

// Logits of `tokens` as a prompt that is read in pieces, then of each of `more` as it is decoded. Other sequences are
// in the same batches, if they are to be: one that is decoded beside the prompt, two that are decoded beside `more`.
std::vector<float> PromptAndAnswer(const Model& model, std::span<const uint32_t> tokens, size_t piece,
                                   std::span<const uint32_t> more, bool crowded) {
  Transformer transformer = MakeTransformer(model, {}, kUniform);
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < 3; ++i) sequences.push_back(MakeSequence(model.config));
  std::vector<float> all;
  const auto feed = [&](std::span<const uint32_t> some, Phase phase, size_t others) {
    const uint32_t token = some[0];
    std::vector<BatchItem> items;
    for (size_t i = 0; i < others; ++i) items.push_back({.sequence = &sequences[1 + i], .tokens = {&token, 1}});
    items.insert(items.begin() + static_cast<ptrdiff_t>(others / 2),
                 {.sequence = &sequences[0], .tokens = some, .all_logits = true, .phase = phase});
    const auto logits = transformer.Forward(items);
    REQUIRE_MESSAGE(logits.ok(), logits.error().message);
    const size_t before = others / 2 * model.config.vocabulary;
    all.insert(all.end(), logits->begin() + static_cast<ptrdiff_t>(before),
               logits->begin() + static_cast<ptrdiff_t>(before + some.size() * model.config.vocabulary));
  };
  for (size_t i = 0; i < tokens.size(); i += piece) {
    feed(tokens.subspan(i, std::min(piece, tokens.size() - i)), Phase::kPrefill, crowded ? 1 : 0);
  }
  for (const uint32_t& token : more) feed({&token, 1}, Phase::kDecode, crowded ? 2 : 0);
  return all;
}

TEST_CASE("transformer: a prompt has the same bits in pieces, and an answer whatever is decoded beside it") {
  const std::vector<uint32_t> tokens = RandomTokens(40, 80), more = RandomTokens(5, 80, 8);
  ForEachWideModel([&](const std::string& name, const LoadedModel& loaded) {
    const std::vector<float> whole = PromptAndAnswer(loaded.model(), tokens, 40, more, false);
    for (const size_t piece : {1, 8, 17, 40}) {
      CHECK_MESSAGE(PromptAndAnswer(loaded.model(), tokens, piece, more, true) == whole, name, ", ", piece,
                    " tokens at a time");
    }
  });
}

}  // namespace
}  // namespace weft::engine::test
