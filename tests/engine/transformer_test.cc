// The forward pass: right, the same however its input is cut into batches, and without allocations.
#include "reference/model/transformer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "reference/base/thread_pool.h"
#include "reference/model/prompt.h"
#include "tests/engine/each_target.h"
#include "tests/engine/reference_model.h"
#include "tests/engine/test_model.h"
#include "tests/engine/wide_models.h"

// The thread sanitizer brings operators of its own; allocations are not counted there.
#if defined(__SANITIZE_THREAD__)
#define WEFT_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef WEFT_COUNTS_ALLOCATIONS
#define WEFT_COUNTS_ALLOCATIONS 1
#endif

#if WEFT_COUNTS_ALLOCATIONS
namespace {

std::atomic<size_t> allocations{0};

void* Allocate(size_t size, size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// All forms of new and delete end in these.
void* operator new(size_t size) { return Allocate(size, alignof(std::max_align_t)); }
void* operator new(size_t size, std::align_val_t alignment) { return Allocate(size, static_cast<size_t>(alignment)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
#endif

namespace weft::engine::test {
namespace {

constexpr TransformerOptions kUniform = {.summation = Summation::kUniform};
// The logits of one item per sequence.
std::vector<float> Feed(Transformer& transformer, std::span<const BatchItem> items) {
  Result<std::span<const float>> logits = transformer.Forward(items);
  REQUIRE_MESSAGE(logits.ok(), logits.error().message);
  return {logits->begin(), logits->end()};
}

std::string FeedError(Transformer& transformer, std::span<const BatchItem> items) {
  Result<std::span<const float>> logits = transformer.Forward(items);
  return logits.ok() ? "" : logits.error().message;
}

TEST_CASE("transformer: logits are those of the forward pass in double") {
  for (const std::string& family : kFamilies) {
    for (const bool tied : {false, true}) {
      const TestModel file = RandomModel(ShapeOf(family, {.tied = tied}));
      const std::vector<uint32_t> tokens = RandomTokens(24, 48);
      const std::vector<float> exact = Floats(ReferenceModel(file).Logits(tokens));
      const double bound = FloatErrorBound(file, tokens);
      const LoadedModel loaded(file);
      ForEachTarget([&](const std::string&) {
        for (const Summation summation : {Summation::kFastest, Summation::kUniform}) {
          for (const AttentionBackend backend : {AttentionBackend::kAuto, AttentionBackend::kStandard}) {
            for (const size_t piece : {1, 2, 7, 9, 24}) {
              const TransformerOptions options = {.backend = backend, .summation = summation};
              const double difference = MaxDifference(AllLogits(loaded.model(), tokens, piece, {}, options), exact);
              CHECK_MESSAGE(difference <= bound, family, ", ", piece, " tokens at a time: ", difference, " > ", bound);
            }
          }
        }
      });
    }
  }
}

// Also where a product's tokens are cut into two runs (from 769 on), which need less memory than one.
TEST_CASE("transformer: any batch up to the largest runs") {
  const LoadedModel loaded(RandomLlama());
  ForEachTarget([&](const std::string&) {
    for (const Summation summation : {Summation::kFastest, Summation::kUniform}) {
      Result<Transformer> transformer =
          Transformer::Create(loaded.model(), Executor{}, {.max_batch = 771, .max_logits = 1, .summation = summation});
      REQUIRE(transformer.ok());
      for (const size_t count : {1, 9, 765, 768, 769, 771}) {
        Result<Sequence> sequence = Sequence::Create(loaded.model().config, count);
        REQUIRE(sequence.ok());
        const std::vector<uint32_t> tokens = RandomTokens(count, 48);
        const BatchItem item{.sequence = &*sequence, .tokens = tokens};
        CHECK_EQ(FeedError(*transformer, {&item, 1}), "");
      }
    }
  });
}

// The largest of what all operations ask for, put down by hand; products that are computed together share their tokens.
size_t WorkspaceBytesOf(const Model& model, const TransformerOptions& options, size_t logits, uint32_t workers) {
  const ModelConfig& c = model.config;
  const auto products = [&](size_t tokens, std::initializer_list<const Linear*> weights, bool gated = false) {
    std::vector<MatMulShape> shapes;
    for (const Linear* linear : weights) {
      const WeightView& w = linear->weight;
      if (w.data == nullptr) continue;
      shapes.push_back({.type = w.type, .rows = w.rows, .cols = w.cols, .tokens = tokens, .gated = gated, .input = 1});
    }
    return MatMulWorkspaceBytes(shapes.data(), shapes.size(), workers);
  };
  const size_t tokens = options.max_batch;
  size_t matmul = products(logits, {&model.output}), attention = 0, widest = c.width;
  for (size_t i = 0; i < c.layers.size(); ++i) {
    const LayerConfig& l = c.layers[i];
    const LayerWeights& w = model.layers[i];
    matmul = std::max({matmul, products(tokens, {&w.q, &w.k, &w.v}), products(tokens, {&w.attention_output}),
                       products(tokens, {&w.down}),
                       w.fuses_gate() ? products(tokens, {&w.up}, true) : products(tokens, {&w.gate, &w.up})});
    AttentionArgs args;
    args.heads = l.heads;
    args.kv_heads = l.kv_heads;
    args.k_size = args.q_head_stride = l.k_size;
    args.v_size = args.out_head_stride = l.v_size;
    args.q_token_stride = l.q_width();
    args.out_token_stride = l.attended_width();
    args.backend = options.backend;
    args.summation = options.summation;
    AttentionSequence sequence;
    sequence.queries = tokens;
    sequence.kv_length = c.context;
    args.sequences = &sequence;
    args.sequence_count = 1;
    attention = std::max(attention, AttentionWorkspaceBytes(args, workers));
    widest = std::max({widest, l.attended_width(), l.ffn_width});
  }
  return matmul + attention + ActivationBytes(tokens, widest);
}

// Of all that a token or its logits take, [tokens, ...] of floats.
size_t RowBytesOf(const Model& model, size_t tokens, size_t logits) {
  const ModelConfig& c = model.config;
  size_t floats = 2 * c.width + c.Largest(&LayerConfig::q_width) + c.Largest(&LayerConfig::k_width) +
                  c.Largest(&LayerConfig::v_width) + c.Largest(&LayerConfig::attended_width) +
                  c.Largest(&LayerConfig::ffn_width);
  for (const Rotation& rotation : c.rotations) floats += 2 * rotation.frequency.size();
  const auto apart = [](const LayerWeights& w) { return w.gated() && !w.fuses_gate(); };
  if (std::ranges::any_of(model.layers, apart)) floats += c.Largest(&LayerConfig::ffn_width);
  return (tokens * floats + logits * c.vocabulary) * sizeof(float);
}

TEST_CASE("transformer: the buffers are what the largest pass asks for, not more") {
  std::vector<std::pair<std::string, TestModel>> models = WideModels();
  models.emplace_back("a gate of another type", WideLlama(DType::kF32));
  models.back().second.tensors["blk.0.ffn_gate.weight"].type = DType::kF16;
  for (const auto& [name, file] : models) {
    const LoadedModel loaded(file);
    ForEachTarget([&](const std::string&) {
      for (const size_t batch : {1, 8, 9, 100}) {
        for (const size_t logits : {size_t{1}, batch}) {
          for (const AttentionBackend backend : {AttentionBackend::kAuto, AttentionBackend::kStandard}) {
            for (const Summation summation : {Summation::kFastest, Summation::kUniform}) {
              const TransformerOptions options = {
                  .max_batch = batch, .max_logits = logits, .backend = backend, .summation = summation};
              const Transformer transformer = MakeTransformer(loaded.model(), {}, options);
              CHECK_MESSAGE(transformer.bytes() == RowBytesOf(loaded.model(), batch, logits) +
                                                       WorkspaceBytesOf(loaded.model(), options, logits, 1),
                            name, ", ", batch, " tokens, ", logits, " logits");
            }
          }
        }
      }
    });
  }
}

TEST_CASE("transformer: sequences in one batch do not see each other") {
  const LoadedModel loaded(RandomLlama());
  Transformer transformer = MakeTransformer(loaded.model(), {}, kUniform);
  const size_t vocabulary = loaded.config().vocabulary;
  const std::vector<uint32_t> a = RandomTokens(20, vocabulary, 1), b = RandomTokens(20, vocabulary, 2),
                              c = RandomTokens(20, vocabulary, 3);
  const std::vector<float> alone_a = AllLogits(loaded.model(), a, SIZE_MAX, {}, kUniform);
  const std::vector<float> alone_b = AllLogits(loaded.model(), b, SIZE_MAX, {}, kUniform);
  const std::vector<float> alone_c = AllLogits(loaded.model(), c, SIZE_MAX, {}, kUniform);
  const auto row = [&](const std::vector<float>& logits, size_t first, size_t count) {
    return std::vector<float>(logits.begin() + first * vocabulary, logits.begin() + (first + count) * vocabulary);
  };
  const auto joined = [](std::vector<float> x, const std::vector<float>& y, const std::vector<float>& z) {
    x.insert(x.end(), y.begin(), y.end());
    x.insert(x.end(), z.begin(), z.end());
    return x;
  };

  Sequence of_a = MakeSequence(loaded.config()), of_b = MakeSequence(loaded.config()),
           of_c = MakeSequence(loaded.config());
  const std::span<const uint32_t> ta = a, tb = b, tc = c;
  const BatchItem first[] = {{&of_a, ta.first(9), true}, {&of_b, tb.first(1)}, {&of_c, tc.first(5)}};
  CHECK(Feed(transformer, first) == joined(row(alone_a, 0, 9), row(alone_b, 0, 1), row(alone_c, 4, 1)));
  CHECK(of_a.length() == 9);
  CHECK(of_b.length() == 1);
  CHECK(of_c.length() == 5);
  const BatchItem second[] = {{&of_c, tc.subspan(5, 7)}, {&of_a, ta.subspan(9, 1)}, {&of_b, tb.subspan(1, 19), true}};
  CHECK(Feed(transformer, second) == joined(row(alone_c, 11, 1), row(alone_a, 9, 1), row(alone_b, 1, 19)));
}

TEST_CASE("transformer: a sequence forgets what is truncated") {
  const LoadedModel loaded(RandomLlama());
  Transformer transformer = MakeTransformer(loaded.model(), {}, kUniform);
  Sequence sequence = MakeSequence(loaded.config());
  const std::vector<uint32_t> tokens = RandomTokens(20, 48, 1), others = RandomTokens(20, 48, 2);
  const std::vector<float> logits = AllLogits(transformer, sequence, tokens);
  sequence.Truncate(100);
  CHECK(sequence.length() == 20);
  sequence.Truncate(8);
  CHECK(sequence.length() == 8);
  AllLogits(transformer, sequence, others);
  sequence.Truncate(8);
  const std::span<const uint32_t> rest = std::span(tokens).subspan(8);
  CHECK(AllLogits(transformer, sequence, rest) == std::vector<float>(logits.begin() + 8 * 48, logits.end()));
  sequence.Clear();
  CHECK(sequence.length() == 0);
  CHECK(AllLogits(transformer, sequence, tokens) == logits);
}

TEST_CASE("transformer: keys and values are kept in the type that was asked for") {
  const TestModel file = RandomLlama();
  const std::vector<uint32_t> tokens = RandomTokens(24, 48);
  const LoadedModel loaded(file);
  const std::vector<float> exact = Floats(ReferenceModel(file).Logits(tokens));
  const size_t full = MakeSequence(loaded.config()).pool().bytes();
  CHECK(full == 2 * 64 * 2 * 2 * 16 * sizeof(float));
  const auto check = [&](DType type, Rounding round) {
    const std::vector<float> rounded = Floats(ReferenceModel(file, round).Logits(tokens));
    Transformer transformer = MakeTransformer(loaded.model());
    Sequence sequence = MakeSequence(loaded.config(), type);
    CHECK(sequence.pool().bytes() == full / 2);
    // Few values fall on the other side of a rounding: much nearer to the rounded pass than that is to the exact one.
    const double difference = MaxDifference(AllLogits(transformer, sequence, tokens, 5), rounded);
    CHECK(difference <= MaxDifference(rounded, exact) / 2);
  };
  check(DType::kF16, [](double x) -> double { return ToFloat(ToF16(static_cast<float>(x))); });
  check(DType::kBF16, [](double x) -> double { return ToFloat(ToBF16(static_cast<float>(x))); });
}

TEST_CASE("transformer: a gate of another type than the product it gates") {
  TestModel file = WideLlama(DType::kF32);
  const std::vector<uint32_t> tokens = RandomTokens(12, 80);
  const std::vector<float> expected = AllLogits(LoadedModel(file).model(), tokens);
  TestTensor& gate = file.tensors["blk.0.ffn_gate.weight"];
  // Values that F16 represents exactly, so that only the way of computing differs.
  for (float& value : gate.values) value = ToFloat(ToF16(value));
  const std::vector<float> exact = Floats(ReferenceModel(file).Logits(tokens));
  gate.type = DType::kF16;
  const double difference = MaxDifference(AllLogits(LoadedModel(file).model(), tokens), exact);
  CHECK(difference <= FloatErrorBound(file, tokens));
  CHECK(difference < MaxDifference(expected, exact));
}

#if WEFT_COUNTS_ALLOCATIONS
TEST_CASE("transformer: Forward allocates nothing") {
  ThreadPool pool(2);
  ForEachWideModel([&](const std::string& name, const LoadedModel& loaded) {
    Transformer transformer = MakeTransformer(loaded.model(), pool.executor());
    Sequence sequence = MakeSequence(loaded.config()), other = MakeSequence(loaded.config(), DType::kF16);
    const std::vector<uint32_t> tokens = RandomTokens(20, 80);
    const auto run = [&] {
      const std::span<const uint32_t> t = tokens;
      const BatchItem one[] = {{&sequence, t.first(1)}};
      const BatchItem few[] = {{&sequence, t.first(4), true}};
      const BatchItem two[] = {{&sequence, t.first(10), true}, {&other, t.first(7)}};
      return transformer.Forward(one).ok() && transformer.Forward(few).ok() && transformer.Forward(two).ok();
    };
    REQUIRE(run());  // warm-up
    const size_t before = allocations;
    const bool ok = run();
    const size_t after = allocations;
    CHECK(ok);
    CHECK_MESSAGE(after == before, name);
  });
  const size_t before = allocations;
  ::operator delete(::operator new(1));  // the counter counts
  CHECK(allocations == before + 1);
}
#endif

TEST_CASE("transformer: errors change nothing") {
  const LoadedModel loaded(RandomLlama({.context = 16})), wider(RandomLlama({.heads = 8, .kv_heads = 4}));
  Transformer transformer = MakeTransformer(loaded.model(), {}, {.max_batch = 12, .max_logits = 4});
  CHECK(transformer.max_batch() == 12);
  CHECK(transformer.max_logits() == 4);
  Sequence sequence = MakeSequence(loaded.config()), other = MakeSequence(loaded.config()),
           foreign = MakeSequence(wider.config());
  const std::vector<uint32_t> good = RandomTokens(16, 48), bad = {1, 2, 48};
  const std::span<const uint32_t> t = good;
  AllLogits(transformer, sequence, t.first(6), 3);

  const auto error = [&](std::vector<BatchItem> items) { return FeedError(transformer, items); };
  CHECK(Contains(error({}), "batch is empty"));
  CHECK(Contains(error({{&sequence, {}}}), "no tokens"));
  CHECK(Contains(error({{nullptr, t.first(1)}}), "no sequence"));
  CHECK(Contains(error({{&sequence, bad}}), "token 48 is outside the vocabulary of 48"));
  CHECK(Contains(error({{&sequence, t.first(11)}}), "context is full: 6 + 11 tokens, room for 16"));
  CHECK(Contains(error({{&other, t.first(13)}}), "more than 12 tokens"));
  CHECK(Contains(error({{&sequence, t.first(6)}, {&other, t.first(7)}}), "more than 12 tokens"));
  CHECK(Contains(error({{&sequence, t.first(5), true}}), "logits of more than 4 tokens"));
  CHECK(Contains(error({{&sequence, t.first(1)}, {&sequence, t.first(1)}}), "twice"));
  CHECK(Contains(error({{&other, t.first(1)}, {&foreign, t.first(1)}}), "another model"));
  CHECK(sequence.length() == 6);
  CHECK(other.length() == 0);

  Sequence fresh = MakeSequence(loaded.config());
  const std::vector<float> expected = AllLogits(transformer, fresh, t.first(9), 3);
  CHECK(AllLogits(transformer, sequence, t.subspan(6, 3)) ==
        std::vector<float>(expected.begin() + 6 * 48, expected.end()));
}

TEST_CASE("transformer: what cannot be allocated or makes no sense is an error") {
  const LoadedModel loaded(RandomLlama());
  CHECK(!Transformer::Create(loaded.model(), {}, {.max_batch = 0}).ok());
  CHECK(!Transformer::Create(loaded.model(), {}, {.max_batch = size_t{1} << 40}).ok());
  CHECK(!Transformer::Create(loaded.model(), {}, {.max_batch = 4, .max_logits = 5}).ok());
  CHECK(!Sequence::Create(loaded.config(), 0).ok());
  CHECK(!Sequence::Create(loaded.config(), SIZE_MAX).ok());
  CHECK(!Sequence::Create(loaded.config(), 16, DType::kQ8_0).ok());
  ModelConfig huge = loaded.config();
  huge.layers[1].kv_heads = kMaxHeads;
  huge.layers[1].k_size = kMaxHeadSize;
  Result<Sequence> sequence = Sequence::Create(huge, kMaxContext);
  REQUIRE(!sequence.ok());
  CHECK(Contains(sequence.error().message, "not enough memory"));
}

TEST_CASE("transformer: learned positions end where they end") {
  const LoadedModel loaded(RandomModel(ShapeOf("gpt2", {.context = 16}))),
      longer(RandomModel(ShapeOf("gpt2", {.context = 32})));
  Result<Sequence> sequence = Sequence::Create(loaded.config(), 17);
  REQUIRE(!sequence.ok());
  CHECK(Contains(sequence.error().message, "17 tokens is not possible: the model has learned 16 positions"));
  Transformer transformer = MakeTransformer(loaded.model());
  Sequence full = MakeSequence(loaded.config()), foreign = MakeSequence(longer.config());
  const std::vector<uint32_t> tokens = RandomTokens(17, 48);
  CHECK(AllLogits(transformer, full, std::span(tokens).first(16), 5).size() == 16 * 48);
  const BatchItem beyond[] = {{&full, std::span(tokens).subspan(16)}};
  CHECK(Contains(FeedError(transformer, beyond), "context is full"));
  const BatchItem of_another[] = {{&foreign, tokens}};
  CHECK(Contains(FeedError(transformer, of_another), "another model"));
}

TEST_CASE("prompt: any length is fed in pieces") {
  const LoadedModel loaded(RandomLlama());
  Transformer transformer = MakeTransformer(loaded.model(), {}, {.max_batch = 8, .summation = Summation::kUniform});
  const std::vector<uint32_t> tokens = RandomTokens(40, 48);
  Transformer whole = MakeTransformer(loaded.model(), {}, kUniform);
  Sequence sequence = MakeSequence(loaded.config());
  const std::vector<float> all = AllLogits(whole, sequence, tokens, SIZE_MAX, Phase::kPrefill);
  sequence.Clear();
  std::vector<size_t> told;
  Result<std::span<const float>> logits = FeedPrompt(transformer, sequence, std::span(tokens).first(20), [&](size_t n) {
    told.push_back(n);
    return true;
  });
  REQUIRE(logits.ok());
  CHECK(std::vector<float>(logits->begin(), logits->end()) ==
        std::vector<float>(all.begin() + 19 * 48, all.begin() + 20 * 48));
  CHECK(told == std::vector<size_t>{8, 16, 20});

  logits = FeedPrompt(transformer, sequence, std::span(tokens).subspan(20), [](size_t) { return false; });
  REQUIRE(logits.ok());
  CHECK(logits->empty());
  CHECK(sequence.length() == 28);

  CHECK(!FeedPrompt(transformer, sequence, {}).ok());
  CHECK(!FeedPrompt(transformer, sequence, tokens).ok());
  CHECK(sequence.length() == 28);
}

}  // namespace
}  // namespace weft::engine::test
