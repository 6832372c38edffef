// Products, attention and small operations by several threads: the bits of one thread, and (built with
// -fsanitize=thread) no two threads at the same memory.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include "reference/base/thread_pool.h"
#include "tests/kernels/random.h"
#include "tests/kernels/threads.h"
#include "weft/weft.h"

namespace weft::engine {
namespace {

using test::Random;

// Three products of one input, one of them with a gate, in a type.
class Products {
 public:
  static constexpr size_t kCols = 256, kRows[3] = {130, 67, 67};

  Products(DType type, size_t tokens, Random& random) : tokens_(tokens), x_(random.Normals(tokens * kCols)) {
    for (size_t rows : kRows) {
      std::vector<uint8_t>& blocks = weights_.emplace_back(RowBytes(type, rows * kCols));
      REQUIRE(Quantize(type, random.Normals(rows * kCols).data(), blocks.data(), rows * kCols).ok());
      views_.push_back(MakeWeights(blocks.data(), type, rows, kCols));
    }
  }

  std::vector<float> Run(const Executor& executor) const {
    std::vector<uint8_t> forms(ActivationBytes(tokens_, kCols));
    ActivationSet set = MakeActivations(x_.data(), tokens_, kCols, kCols, {forms.data(), forms.size()});
    std::vector<float> y(tokens_ * (kRows[0] + kRows[1]));
    MatMulArgs args[2];
    for (size_t i = 0; i < 2; ++i) {
      args[i].x = &set;
      args[i].w = views_[i];
      args[i].y = y.data() + i * tokens_ * kRows[0];
      args[i].y_stride = kRows[i];
    }
    args[1].epilogue.gate = views_[2];
    args[1].epilogue.activation = Activation::kSilu;
    std::vector<uint8_t> workspace(MatMulWorkspaceBytes(args, 2, executor.workers));
    REQUIRE(MatMul(args, 2, executor, {workspace.data(), workspace.size()}).ok());
    return y;
  }

 private:
  size_t tokens_;
  std::vector<float> x_;
  std::vector<std::vector<uint8_t>> weights_;
  std::vector<WeightView> views_;
};

class AttentionCase {
 public:
  static constexpr size_t kHeads = 4, kKvHeads = 2, kSize = 32, kKeys = 70;

  explicit AttentionCase(Random& random)
      : q_(random.Normals(kQueries * kHeads * kSize)), kv_(random.Normals(kKeys * kKvHeads * kSize)) {}

  std::vector<float> Run(const Executor& executor) const {
    const KvView view{kv_.data(), DType::kF32, kKvHeads * kSize * sizeof(float), kSize * sizeof(float)};
    AttentionSequence sequences[3];  // two of single queries, one of many
    for (size_t i = 0; i < 3; ++i) {
      sequences[i].first_query = i;
      sequences[i].queries = i < 2 ? 1 : kQueries - 2;
      sequences[i].first_position = i < 2 ? kKeys - 1 : kKeys - kQueries;
      sequences[i].k = sequences[i].v = view;
      sequences[i].kv_length = kKeys;
    }
    std::vector<float> out(q_.size());
    AttentionArgs args;
    args.q = q_.data();
    args.out = out.data();
    args.q_token_stride = args.out_token_stride = kHeads * kSize;
    args.q_head_stride = args.out_head_stride = kSize;
    args.heads = kHeads;
    args.kv_heads = kKvHeads;
    args.k_size = args.v_size = kSize;
    args.scale = 0.2f;
    args.sequences = sequences;
    args.sequence_count = 3;
    std::vector<uint8_t> workspace(AttentionWorkspaceBytes(args, executor.workers));
    REQUIRE(Attention(args, executor, {workspace.data(), workspace.size()}).ok());
    return out;
  }

 private:
  static constexpr size_t kQueries = 40;
  std::vector<float> q_, kv_;
};

// Rows enough to be shared out.
std::vector<float> SmallOperations(const std::vector<float>& x, const Executor& executor) {
  constexpr size_t kRows = 130, kCols = 320;
  std::vector<float> y(kRows * kCols);
  NormArgs norm;
  norm.x = x.data();
  norm.y = y.data();
  norm.stride = norm.y_stride = norm.cols = kCols;
  norm.rows = kRows;
  REQUIRE(Norm(norm, executor).ok());
  GatedArgs gated;
  gated.gate = x.data();
  gated.up = gated.y = y.data();
  gated.gate_stride = gated.up_stride = gated.y_stride = gated.cols = kCols;
  gated.rows = kRows;
  REQUIRE(Gated(gated, executor).ok());
  SoftmaxArgs softmax;
  softmax.x = softmax.y = y.data();
  softmax.stride = softmax.y_stride = softmax.cols = kCols;
  softmax.rows = kRows;
  REQUIRE(Softmax(softmax, executor).ok());
  return y;
}

constexpr DType kTypes[] = {DType::kF32, DType::kBF16, DType::kQ8_0, DType::kQ4_K};

}  // namespace

TEST_CASE("Threads: products have the bits of one thread") {
  const ThreadPool pool(4);
  Random random(1);
  for (const DType type : kTypes) {
    CAPTURE(Name(type));
    for (const size_t tokens : {size_t{1}, size_t{5}, size_t{20}, size_t{140}}) {
      CAPTURE(tokens);
      const Products products(type, tokens, random);
      const std::vector<float> alone = products.Run({});
      for (int turn = 0; turn < 3; ++turn) CHECK(products.Run(pool.executor()) == alone);
      CHECK(products.Run(test::Threads(3)) == alone);
    }
  }
}

TEST_CASE("Threads: attention has the bits of one thread") {
  const ThreadPool pool(4);
  Random random(2);
  const AttentionCase attention(random);
  const std::vector<float> alone = attention.Run({});
  for (int turn = 0; turn < 5; ++turn) CHECK(attention.Run(pool.executor()) == alone);
  CHECK(attention.Run(test::Threads(3)) == alone);
}

TEST_CASE("Threads: small operations have the bits of one thread") {
  const ThreadPool pool(4);
  const std::vector<float> x = Random(3).Normals(130 * 320), alone = SmallOperations(x, {});
  for (int turn = 0; turn < 5; ++turn) CHECK(SmallOperations(x, pool.executor()) == alone);
}

// Weights, keys and values are shared; sets, results and workspaces are not.
TEST_CASE("Threads: calls from several threads at once, each with a pool of its own") {
  Random random(4);
  std::vector<Products> products;
  for (const DType type : kTypes) products.emplace_back(type, 12, random);
  const AttentionCase attention(random);
  std::vector<std::vector<float>> expected;
  for (const Products& p : products) expected.push_back(p.Run({}));
  const std::vector<float> attended = attention.Run({});
  std::vector<int> good(3);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < good.size(); ++i) {
    threads.emplace_back([&, i] {
      const ThreadPool pool(2);
      for (size_t p = 0; p < products.size(); ++p) good[i] += products[p].Run(pool.executor()) == expected[p];
      good[i] += attention.Run(pool.executor()) == attended;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : good) CHECK(count == 5);
}

}  // namespace weft::engine
