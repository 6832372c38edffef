// The normative reference, part 5: attention, in two plain passes.
#ifndef WEFT_SCALAR_ATTENTION_H_
#define WEFT_SCALAR_ATTENTION_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <vector>

#include "weft/core/attention_args.h"
#include "weft/scalar/decode.h"

namespace weft::scalar {

// Element i of the key or value of a position and kv head.
inline double KvAt(const KvView& view, size_t position, size_t head, size_t i) {
  const uint8_t* vector = view.At(position, head);
  double value = 0.0;
  VisitFormat(view.type, [&]<class Format>() {
    if constexpr (kIsFloat<Format>) value = Format::Decode(LoadBlock<Format>(vector, i));
  });
  return value;
}

// The scores of query token `query` (within the sequence), head `head`, with the keys of VisibleKeys, in order; their
// magnitudes are those of the products, scale * sum |q k|.
inline std::vector<Exact> Scores(const AttentionArgs& args, const AttentionSequence& sequence, size_t query,
                                 size_t head) {
  const int64_t position = sequence.first_position + static_cast<int64_t>(query);
  const KeyRange keys = VisibleKeys(args, sequence, position);
  const size_t kv_head = head / (args.heads / args.kv_heads);
  const float* q = args.q + (sequence.first_query + query) * args.q_token_stride + head * args.q_head_stride;
  std::vector<Exact> scores;
  for (size_t j = keys.begin; j < keys.end; ++j) {
    Exact score;
    for (size_t i = 0; i < args.k_size; ++i) {
      const double term = static_cast<double>(args.scale) * q[i] * KvAt(sequence.k, j, kv_head, i);
      score.value += term;
      score.magnitude += fabs(term);
    }
    if (args.softcap != 0.0f) score.value = args.softcap * tanh(score.value / args.softcap);
    if (args.alibi_slopes != nullptr) {
      score.value += args.alibi_slopes[head] * static_cast<double>(static_cast<int64_t>(j) - position);
    }
    scores.push_back(score);
  }
  return scores;
}

// The weights that those keys get.
inline std::vector<double> AttentionWeights(const AttentionArgs& args, const std::vector<Exact>& scores, size_t head) {
  double max = args.sinks != nullptr ? args.sinks[head] : -INFINITY;
  for (const Exact& score : scores) max = std::max(max, score.value);
  std::vector<double> weights;
  double sum = args.sinks != nullptr ? exp(args.sinks[head] - max) : 0.0;
  for (const Exact& score : scores) {
    weights.push_back(exp(score.value - max));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// [queries][heads][v_size] of one sequence: out of AttentionArgs.
inline std::vector<double> Attention(const AttentionArgs& args, const AttentionSequence& sequence) {
  std::vector<double> out(sequence.queries * args.heads * args.v_size);
  for (size_t query = 0; query < sequence.queries; ++query) {
    const KeyRange keys = VisibleKeys(args, sequence, sequence.first_position + static_cast<int64_t>(query));
    for (size_t head = 0; head < args.heads; ++head) {
      const std::vector<double> weights = AttentionWeights(args, Scores(args, sequence, query, head), head);
      double* y = &out[(query * args.heads + head) * args.v_size];
      for (size_t j = 0; j < weights.size(); ++j) {
        for (size_t i = 0; i < args.v_size; ++i) {
          y[i] += weights[j] * KvAt(sequence.v, keys.begin + j, head / (args.heads / args.kv_heads), i);
        }
      }
    }
  }
  return out;
}

}  // namespace weft::scalar

#endif  // WEFT_SCALAR_ATTENTION_H_
