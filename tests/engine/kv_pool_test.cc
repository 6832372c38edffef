// Sequences as lists of pages: shared, forked, truncated, returned, and the same bits as a cache in one piece.
#include "reference/model/kv_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reference/model/sequence.h"
#include "reference/model/transformer.h"
#include "tests/engine/each_target.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

constexpr size_t kPage = KvPool::kPageLength;
constexpr TransformerOptions kUniform = {.summation = Summation::kUniform};

// Contexts of several pages.
TestModel LongLlama() { return RandomLlama({.context = 6 * kPage}); }

std::shared_ptr<KvPool> MakePool(const ModelConfig& config, size_t pages, DType type = DType::kF32) {
  auto pool = KvPool::Create(config, pages * kPage, type);
  REQUIRE_MESSAGE(pool.ok(), pool.error().message);
  return *std::move(pool);
}

Sequence In(const std::shared_ptr<KvPool>& pool, size_t context = 6 * kPage) {
  auto sequence = Sequence::Create(pool, context);
  REQUIRE_MESSAGE(sequence.ok(), sequence.error().message);
  return *std::move(sequence);
}

Sequence Fork(const Sequence& sequence, size_t length) {
  auto fork = sequence.Fork(length);
  REQUIRE_MESSAGE(fork.ok(), fork.error().message);
  return *std::move(fork);
}

std::string FeedError(Transformer& transformer, std::vector<BatchItem> items) {
  const auto logits = transformer.Forward(items);
  return logits.ok() ? "" : logits.error().message;
}

std::vector<float> From(const std::vector<float>& logits, size_t token, size_t vocabulary) {
  return {logits.begin() + static_cast<ptrdiff_t>(token * vocabulary), logits.end()};
}

TEST_CASE("kv pool: pages that lie anywhere give the bits of a cache in one piece") {
  const LoadedModel loaded(LongLlama());
  const std::vector<uint32_t> tokens = RandomTokens(3 * kPage + 5, 48);
  ForEachTarget([&](const std::string&) {
    for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (const Summation summation : {Summation::kFastest, Summation::kUniform}) {
        const auto logits = [&](Sequence sequence, size_t piece) {
          Transformer transformer = MakeTransformer(loaded.model(), {}, {.summation = summation});
          return AllLogits(transformer, sequence, tokens, piece);
        };
        for (const size_t piece : {size_t{1}, size_t{50}, tokens.size()}) {
          const auto pool = MakePool(loaded.config(), 8, type);
          Transformer transformer = MakeTransformer(loaded.model());
          // Every other page is taken, and the free ones come in an order of their own.
          std::vector<Sequence> holes;
          for (size_t i = 0; i < 8; ++i) {
            holes.push_back(In(pool));
            AllLogits(transformer, holes.back(), std::span(tokens).first(1));
          }
          for (const size_t i : {2, 6, 0, 4}) holes[i].Clear();
          REQUIRE(pool->free_pages() == 4);
          CHECK(logits(In(pool), piece) == logits(MakeSequence(loaded.config(), type), piece));
          CHECK(pool->free_pages() == 4);
        }
      }
    }
  });
}

TEST_CASE("kv pool: a fork that diverges equals a sequence of its own") {
  const LoadedModel loaded(LongLlama());
  const size_t vocabulary = loaded.config().vocabulary;
  const std::vector<uint32_t> one = RandomTokens(3 * kPage, vocabulary, 1), rest = RandomTokens(kPage, vocabulary, 2);
  for (const DType type : {DType::kF32, DType::kF16}) {
    for (const size_t at : {size_t{1}, kPage - 1, kPage, kPage + 1, 2 * kPage, 2 * kPage + 7}) {
      CAPTURE(at);
      std::vector<uint32_t> two(one.begin(), one.begin() + static_cast<ptrdiff_t>(at));
      two.insert(two.end(), rest.begin(), rest.end());
      Transformer transformer = MakeTransformer(loaded.model(), {}, kUniform);
      const auto alone = [&](const std::vector<uint32_t>& tokens) {
        Sequence sequence = MakeSequence(loaded.config(), type);
        return AllLogits(transformer, sequence, tokens);
      };
      // The first is at the place where the paths part, or further on; either of the two may go on first.
      for (const size_t read : {at, at + 3}) {
        for (const bool fork_first : {false, true}) {
          const auto pool = MakePool(loaded.config(), 12, type);
          Sequence parent = In(pool);
          AllLogits(transformer, parent, std::span(one).first(read));
          const size_t pages = 12 - pool->free_pages();
          Sequence fork = Fork(parent, at);
          CHECK(fork.length() == at);
          CHECK(12 - pool->free_pages() == pages);  // nothing is copied yet
          std::vector<float> of_parent, of_fork;
          const auto go_on = [&](bool is_fork) {
            if (is_fork) {
              of_fork = AllLogits(transformer, fork, rest);
            } else {
              of_parent = AllLogits(transformer, parent, std::span(one).subspan(read));
            }
          };
          go_on(fork_first);
          go_on(!fork_first);
          CHECK(of_parent == From(alone(one), read, vocabulary));
          CHECK(of_fork == From(alone(two), at, vocabulary));
          // What is whole is still shared.
          CHECK(12 - pool->free_pages() == KvPool::PagesFor(one.size()) + KvPool::PagesFor(two.size()) - at / kPage);
        }
      }
    }
  }
}

TEST_CASE("kv pool: forks that continue a page together, in one batch") {
  const LoadedModel loaded(LongLlama());
  const size_t vocabulary = loaded.config().vocabulary;
  const std::vector<uint32_t> tokens = RandomTokens(kPage + 10, vocabulary);
  Transformer transformer = MakeTransformer(loaded.model(), {}, kUniform);
  const auto pool = MakePool(loaded.config(), 4);  // one that is whole, one for each of three
  Sequence first = In(pool);
  AllLogits(transformer, first, tokens);
  Sequence second = Fork(first, tokens.size()), third = Fork(first, kPage + 5);
  const std::vector<std::vector<uint32_t>> next = {{1}, {2, 3}, {4, 5, 6}};
  const BatchItem items[] = {{&third, next[2], true}, {&first, next[0], true}, {&second, next[1], true}};
  const auto logits = transformer.Forward(items);
  REQUIRE_MESSAGE(logits.ok(), logits.error().message);
  const std::vector<float> together(logits->begin(), logits->end());
  CHECK(pool->free_pages() == 0);
  std::vector<float> apart;
  for (const auto& [length, more] : {std::pair{kPage + 5, next[2]}, {kPage + 10, next[0]}, {kPage + 10, next[1]}}) {
    Sequence sequence = MakeSequence(loaded.config());
    AllLogits(transformer, sequence, std::span(tokens).first(length));
    const std::vector<float> part = AllLogits(transformer, sequence, more);
    apart.insert(apart.end(), part.begin(), part.end());
  }
  CHECK(together == apart);
}

TEST_CASE("kv pool: a truncated sequence goes on, whatever it shares") {
  const LoadedModel loaded(LongLlama());
  const size_t vocabulary = loaded.config().vocabulary;
  const std::vector<uint32_t> tokens = RandomTokens(3 * kPage, vocabulary, 1), other = RandomTokens(90, vocabulary, 2);
  Transformer transformer = MakeTransformer(loaded.model(), {}, kUniform);
  Sequence alone = MakeSequence(loaded.config());
  const std::vector<float> expected = AllLogits(transformer, alone, tokens);
  for (const size_t length : {size_t{0}, size_t{1}, kPage - 1, kPage, kPage + 1, 2 * kPage + 9}) {
    CAPTURE(length);
    const auto pool = MakePool(loaded.config(), 12);
    Sequence sequence = In(pool);
    AllLogits(transformer, sequence, std::span(tokens).first(2 * kPage + 20));
    const Sequence fork = Fork(sequence, 2 * kPage + 20);
    sequence.Truncate(length);
    CHECK(sequence.pages() == KvPool::PagesFor(length));
    AllLogits(transformer, sequence, other);
    sequence.Truncate(length);
    CHECK(AllLogits(transformer, sequence, std::span(tokens).subspan(length)) == From(expected, length, vocabulary));
    Sequence untouched = Fork(fork, fork.length());
    CHECK(AllLogits(transformer, untouched, std::span(tokens).subspan(2 * kPage + 20)) ==
          From(expected, 2 * kPage + 20, vocabulary));
  }
}

TEST_CASE("kv pool: all pages are returned, in whatever order sequences go") {
  const LoadedModel loaded(LongLlama());
  Transformer transformer = MakeTransformer(loaded.model());
  const auto pool = MakePool(loaded.config(), 16);
  const std::vector<uint32_t> tokens = RandomTokens(4 * kPage, 48);
  std::mt19937 random(3);
  std::vector<Sequence> sequences;
  for (int step = 0; step < 300; ++step) {
    const size_t which = sequences.empty() ? 0 : random() % sequences.size();
    switch (random() % 5) {
      case 0: sequences.push_back(In(pool, 4 * kPage)); break;
      case 1:
        if (!sequences.empty()) sequences.push_back(Fork(sequences[which], random() % (sequences[which].length() + 1)));
        break;
      case 2:
        if (!sequences.empty()) sequences.erase(sequences.begin() + static_cast<ptrdiff_t>(which));
        break;
      case 3:
        if (!sequences.empty()) sequences[which].Truncate(random() % (sequences[which].length() + 1));
        break;
      default:
        if (!sequences.empty()) {
          Sequence& sequence = sequences[which];
          const size_t most = sequence.context() - sequence.length(), count = most > 0 ? 1 + random() % most : 0;
          const size_t free = pool->free_pages(), grow = sequence.PagesToGrow(count);
          if (count == 0 || grow > free) break;
          AllLogits(transformer, sequence, std::span(tokens).first(count));
          CHECK(pool->free_pages() == free - grow);
        }
    }
    size_t held = 0;  // at least the longest, at most all of them
    for (const Sequence& sequence : sequences) held += sequence.pages();
    CHECK(16 - pool->free_pages() <= held);
    for (const Sequence& sequence : sequences) CHECK(16 - pool->free_pages() >= sequence.pages());
  }
  CHECK(!sequences.empty());
  if (sequences.size() > 1) sequences[0] = std::move(sequences[1]);  // what it held is returned, too
  sequences.clear();
  CHECK(pool->free_pages() == 16);
}

TEST_CASE("kv pool: a full pool is an error that changes nothing") {
  const LoadedModel loaded(LongLlama());
  Transformer transformer = MakeTransformer(loaded.model(), {}, kUniform);
  const auto pool = MakePool(loaded.config(), 4);
  const std::vector<uint32_t> tokens = RandomTokens(6 * kPage, 48);
  const std::span<const uint32_t> t = tokens;
  Sequence a = In(pool), b = In(pool);
  AllLogits(transformer, a, t.first(2 * kPage));
  AllLogits(transformer, b, t.first(kPage - 1));
  CHECK(pool->free_pages() == 1);
  CHECK(a.PagesToGrow(0) == 0);
  CHECK(a.PagesToGrow(1) == 1);
  CHECK(a.PagesToGrow(kPage + 1) == 2);
  CHECK(b.PagesToGrow(1) == 0);
  CHECK(b.PagesToGrow(2) == 1);

  // Each alone would fit.
  const std::string error = FeedError(transformer, {{&a, t.first(1)}, {&b, t.first(2)}});
  CHECK(Contains(error, "the key/value cache is full: the batch needs 2 pages of 64 tokens, of which 1 are free"));
  CHECK(FeedError(transformer, {{&a, t.first(kPage + 1)}}) != "");
  // A later item's error takes nothing, either.
  const std::vector<uint32_t> bad = {48};
  CHECK(Contains(FeedError(transformer, {{&a, t.first(1)}, {&b, bad}}), "vocabulary"));
  CHECK(pool->free_pages() == 1);
  CHECK(a.length() == 2 * kPage);
  CHECK(b.length() == kPage - 1);

  // A shared page that is continued needs a page, which is not there.
  AllLogits(transformer, a, t.subspan(2 * kPage, 3));
  Sequence fork = Fork(a, 2 * kPage + 2);
  CHECK(pool->free_pages() == 0);
  CHECK(fork.PagesToGrow(1) == 1);
  CHECK(FeedError(transformer, {{&fork, t.subspan(2 * kPage + 2, 1)}}) != "");
  CHECK(FeedError(transformer, {{&a, t.subspan(2 * kPage + 3, 1)}}) != "");
  b.Clear();
  Sequence alone = MakeSequence(loaded.config());
  const std::vector<float> expected = AllLogits(transformer, alone, t.first(2 * kPage + 8));
  CHECK(AllLogits(transformer, fork, t.subspan(2 * kPage + 2, 6)) == From(expected, 2 * kPage + 2, 48));
  CHECK(AllLogits(transformer, a, t.subspan(2 * kPage + 3, 5)) == From(expected, 2 * kPage + 3, 48));
}

// What a pass took before it failed goes back.
TEST_CASE("kv pool: a pass that fails keeps no pages") {
  TestModel file = LongLlama();
  file.tensors["output.weight"].values[5 * 64] = HUGE_VALF;
  const LoadedModel loaded(file);
  Transformer transformer = MakeTransformer(loaded.model());
  const auto pool = MakePool(loaded.config(), 4);
  Sequence sequence = In(pool);
  CHECK(Contains(FeedError(transformer, {{&sequence, RandomTokens(70, 48)}}), "not numbers"));
  CHECK(sequence.length() == 0);
  CHECK(pool->free_pages() == 4);
}

TEST_CASE("kv pool: numbers that make no sense") {
  const LoadedModel loaded(LongLlama());
  for (const size_t positions : {size_t{0}, KvPool::kMaxPositions + 1, SIZE_MAX}) {
    const auto pool = KvPool::Create(loaded.config(), positions);
    REQUIRE(!pool.ok());
    CHECK(Contains(pool.error().message, "for " + std::to_string(positions) + " positions is not possible"));
  }
  CHECK(!KvPool::Create(loaded.config(), 64, DType::kQ4_K).ok());
  ModelConfig huge = loaded.config();
  LayerConfig layer = huge.layers[0];
  layer.kv_heads = kMaxHeads;
  layer.k_size = layer.v_size = kMaxHeadSize;
  huge.layers.assign(kMaxLayers, layer);
  const auto full = KvPool::Create(huge, KvPool::kMaxPositions);
  REQUIRE(!full.ok());
  CHECK(Contains(full.error().message, "not enough memory"));

  const auto pool = MakePool(loaded.config(), 2);
  CHECK(pool->pages() == 2);
  CHECK(pool->position_bytes() == 2 * 2 * 2 * 16 * sizeof(float));
  CHECK(pool->bytes() == 2 * kPage * pool->position_bytes());
  CHECK(!Sequence::Create(pool, 0).ok());
  CHECK(!Sequence::Create(pool, kMaxContext + 1).ok());
  Sequence sequence = In(pool, kMaxContext);
  CHECK(sequence.PagesToGrow(kMaxContext) == kMaxContext / kPage);
  CHECK(!sequence.Fork(1).ok());
  CHECK(!sequence.Fork(SIZE_MAX).ok());
  CHECK(!sequence.Fork(0, 0).ok());
  CHECK(!sequence.Fork(0, SIZE_MAX).ok());
  CHECK(sequence.Fork(0, 1).ok());
  const LoadedModel other(RandomLlama({.kv_heads = 1}));
  CHECK(pool->Fits(loaded.config()));
  CHECK(!pool->Fits(other.config()));
}

}  // namespace
}  // namespace weft::engine::test
