// What the tests of attention share: one sequence's inputs in guarded memory, and bounds.
#ifndef WEFT_TESTS_KERNELS_ATTENTION_CASE_H_
#define WEFT_TESTS_KERNELS_ATTENTION_CASE_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "tests/kernels/bounded.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "weft/scalar/attention.h"
#include "weft/weft.h"

namespace weft::test {

struct AttentionShape {
  size_t heads = 2, kv_heads = 1;
  size_t k_size = 16, v_size = 16;
  size_t queries = 3, keys = 40;
  int64_t first_position = 37;
  DType k_type = DType::kF32, v_type = DType::kF32;
  bool head_major = false;  // [heads, seq, dim] instead of [seq, heads, dim]
};

// A cache of random vectors, `slack` bytes before its guard page.
class Cache {
 public:
  Cache(DType type, size_t positions, size_t heads, size_t size, bool head_major, Random& random)
      : bytes_(RowBytes(type, positions * heads * size), type == DType::kF32 ? 0 : 1) {
    const size_t row = RowBytes(type, size);
    scalar::Quantize(type, random.Normals(positions * heads * size).data(), bytes_.data(), positions * heads * size);
    view.data = bytes_.data();
    view.type = type;
    view.position_stride = head_major ? row : heads * row;
    view.head_stride = head_major ? positions * row : row;
  }
  KvView view;

 private:
  Guarded<uint8_t> bytes_;
};

// Arguments for one sequence of a shape; tests change them before they run.
class AttentionCase {
 public:
  AttentionCase(const AttentionShape& s, Random& random)
      : shape(s),
        keys(s.k_type, s.keys, s.kv_heads, s.k_size, s.head_major, random),
        values(s.v_type, s.keys, s.kv_heads, s.v_size, s.head_major, random),
        q(random.Normals(s.queries * s.heads * s.k_size)),
        out(s.queries * s.heads * s.v_size) {
    sequence.queries = s.queries;
    sequence.first_position = s.first_position;
    sequence.k = keys.view;
    sequence.v = values.view;
    sequence.kv_length = s.keys;
    args.q = q.data();
    args.out = out.data();
    args.q_token_stride = s.head_major ? s.k_size : s.heads * s.k_size;
    args.q_head_stride = s.head_major ? s.queries * s.k_size : s.k_size;
    args.out_token_stride = s.head_major ? s.v_size : s.heads * s.v_size;
    args.out_head_stride = s.head_major ? s.queries * s.v_size : s.v_size;
    args.heads = s.heads;
    args.kv_heads = s.kv_heads;
    args.k_size = s.k_size;
    args.v_size = s.v_size;
    args.scale = 1.0f / sqrtf(static_cast<float>(s.k_size));
    args.sequences = &sequence;
    args.sequence_count = 1;
  }
  AttentionCase(const AttentionCase&) = delete;

  // out as [query][head][v_size].
  std::vector<float> Dense() const {
    std::vector<float> dense;
    for (size_t t = 0; t < shape.queries; ++t) {
      for (size_t h = 0; h < shape.heads; ++h) {
        const float* row = args.out + t * args.out_token_stride + h * args.out_head_stride;
        dense.insert(dense.end(), row, row + shape.v_size);
      }
    }
    return dense;
  }

  AttentionShape shape;
  Cache keys, values;
  Guarded<float> q, out;
  AttentionSequence sequence;
  AttentionArgs args;
};

// Runs with a workspace of exactly the size asked for, misaligned and guarded.
inline Status RunAttention(const AttentionArgs& args, const Executor& executor = {}) {
  Guarded<uint8_t> workspace(AttentionWorkspaceBytes(args, executor.workers), 3);
  return Attention(args, executor, {workspace.data(), workspace.bytes()});
}

// The scores of a query and head: the formula of AttentionArgs over numbers with bounds.
inline std::vector<Bounded> BoundedScores(const AttentionArgs& args, const AttentionSequence& sequence, size_t query,
                                          size_t head) {
  AttentionArgs plain = args;
  plain.softcap = 0.0f;
  plain.alibi_slopes = nullptr;
  const int64_t position = sequence.first_position + static_cast<int64_t>(query);
  int64_t key = static_cast<int64_t>(VisibleKeys(args, sequence, position).begin);
  std::vector<Bounded> scores;
  for (const scalar::Exact& product : scalar::Scores(plain, sequence, query, head)) {
    // k_size products, additions, and the scale.
    Bounded s(product.value, Gamma(2 * args.k_size + 1) * product.magnitude + kUnderflow);
    if (args.softcap != 0.0f) s = Bounded(args.softcap) * Tanh(s / Bounded(args.softcap));
    if (args.alibi_slopes != nullptr) {
      s = s + Bounded(args.alibi_slopes[head]) * Bounded(static_cast<double>(key - position));
    }
    scores.push_back(s);
    ++key;
  }
  return scores;
}

// [queries][heads][v_size] of one sequence.
//
// Scores enter relative to a maximum, which cancels except for the rounding of the difference. An online softmax also
// multiplies its state with exp(old maximum - new maximum), at most once per key: each time one exponential of a
// rounded difference, the differences adding up to no more than the range of the scores, and one product.
inline std::vector<Bounded> BoundedAttention(const AttentionArgs& args, const AttentionSequence& sequence) {
  const std::vector<double> exact = scalar::Attention(args, sequence);
  std::vector<Bounded> out;
  for (size_t query = 0; query < sequence.queries; ++query) {
    const KeyRange keys = VisibleKeys(args, sequence, sequence.first_position + static_cast<int64_t>(query));
    for (size_t head = 0; head < args.heads; ++head) {
      const std::vector<Bounded> scores = BoundedScores(args, sequence, query, head);
      const bool has_sink = args.sinks != nullptr;
      double max = has_sink ? args.sinks[head] : -INFINITY, min = INFINITY;
      for (const Bounded& s : scores) {
        max = std::max(max, s.value);
        min = std::min(min, s.value);
      }
      const double rescaling = Gamma(5 * scores.size()) + kRoundoff * (max - min);
      std::vector<Bounded> weights;
      for (const Bounded& s : scores) {
        Bounded e = Exp(s - Bounded(max, kRoundoff * fabs(max)));
        e.error += rescaling * e.Magnitude();
        weights.push_back(e);
      }
      std::vector<Bounded> total = weights;
      if (has_sink) total.push_back(Exp(Bounded(args.sinks[head]) - Bounded(max, kRoundoff * fabs(max))));
      const Bounded inverse = scores.empty() ? Bounded(0.0) : Bounded(1.0) / SumOf(total);
      for (size_t i = 0; i < args.v_size; ++i) {
        std::vector<Bounded> terms;
        for (size_t j = 0; j < weights.size(); ++j) {
          const size_t kv_head = head / (args.heads / args.kv_heads);
          terms.push_back(weights[j] * Bounded(scalar::KvAt(sequence.v, keys.begin + j, kv_head, i)));
        }
        const Bounded y = SumOf(terms) * inverse;
        EXPECT_NEAR(y.value, exact[out.size()], y.error);
        out.push_back(y);
      }
    }
  }
  return out;
}

// Runs the case with both backends and compares with the bounds.
inline void ExpectAttention(AttentionCase& c) {
  const std::vector<Bounded> expected = BoundedAttention(c.args, c.sequence);
  for (AttentionBackend backend : {AttentionBackend::kAuto, AttentionBackend::kFlash, AttentionBackend::kStandard}) {
    c.args.backend = backend;
    memset(c.out.data(), 0xFF, c.out.bytes());
    const Status status = RunAttention(c.args);
    ASSERT_TRUE(status.ok()) << status.argument;
    const std::vector<float> out = c.Dense();
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_TRUE(IsWithin(out[i], expected[i])) << "element " << i << ", backend " << static_cast<int>(backend);
    }
  }
}

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_ATTENTION_CASE_H_
