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
  ForEachWideModel([&](const std::string& name, const LoadedModel& loaded) {
    for (const size_t piece : {size_t{1}, size_t{5}, tokens.size()}) {
      const std::vector<float> one = AllLogits(loaded.model(), tokens, piece);
      for (const size_t threads : {2, 3}) {
        ThreadPool pool(threads);
        CHECK_MESSAGE(AllLogits(loaded.model(), tokens, piece, pool.executor()) == one, name, ", ", threads,
                      " threads, ", piece, " tokens at a time");
      }
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

}  // namespace
}  // namespace weft::engine::test
