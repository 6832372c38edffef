// The bookkeeping of a batch: which token stands where, which logits are wanted, where keys and values go.
#ifndef WEFT_REFERENCE_MODEL_BATCH_PLAN_H_
#define WEFT_REFERENCE_MODEL_BATCH_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reference/base/result.h"
#include "reference/model/config.h"
#include "reference/model/sequence.h"
#include "weft/weft.h"

namespace weft::engine {

// A piece of a batch: tokens that continue one sequence. Sequences in a batch must be distinct.
struct BatchItem {
  Sequence* sequence = nullptr;
  std::span<const uint32_t> tokens;
  bool all_logits = false;  // logits for every token, not for the last one only
  // How the tokens are computed under Summation::kUniform, with the same bits however many of them are in a batch.
  Phase phase = Phase::kDecode;
};

// Rows of a batch, one after the other, of one phase.
struct PhaseRows {
  size_t begin = 0, count = 0;
  Phase phase = Phase::kDecode;
};

// Lays the items' tokens out one after the other as the rows of a batch. Allocates in the constructor only.
class BatchPlan {
 public:
  BatchPlan(size_t max_tokens, size_t max_logits);

  // Checks the items, which must live until Commit or Abandon, plans them, and takes the pages that they need. After an
  // error nothing is taken, and the plan is of no use.
  Result<void> Set(std::span<const BatchItem> items, const ModelConfig& config);

  // Plans max_tokens() tokens and logits of sequences that are not there, in equal parts that end at position
  // `context`: a batch to be measured, not to be run.
  void SetLargest(size_t sequences, size_t context);

  size_t tokens() const { return tokens_; }
  const uint32_t* ids() const { return ids_.data(); }                                   // [tokens()]
  const int32_t* positions() const { return positions_.data(); }                        // [tokens()]
  std::span<const uint32_t> wanted() const { return {wanted_.data(), wanted_count_}; }  // rows whose logits are wanted

  // The phases of all tokens, and of those whose logits are wanted.
  std::span<const PhaseRows> phases() const { return {phases_.data(), phase_count_}; }
  std::span<const PhaseRows> wanted_phases() const { return {wanted_phases_.data(), wanted_phase_count_}; }
  const uint32_t* rows() const { return rows_.data(); }  // 0, 1, 2, ... [max_tokens()]

  // Appends a layer's keys and values, [tokens()][kv_heads * size], to the sequences.
  Status Write(size_t layer, const float* k, const float* v, const LayerConfig& config, const Executor& executor);
  // The queries of the batch and the keys and values that each may see, including those just written.
  std::span<const AttentionSequence> Sequences(size_t layer);
  // The tokens become part of their sequences, or the pages taken for them are returned.
  void Commit();
  void Abandon();

  size_t max_tokens() const { return max_tokens_; }
  size_t max_logits() const { return max_logits_; }

 private:
  Result<void> Add(size_t index, const ModelConfig& config);
  // The pages that the items up to this one take from its pool, all in all.
  size_t PagesNeeded(size_t index) const;

  size_t max_tokens_, max_logits_;
  std::vector<uint32_t> ids_, wanted_;
  std::vector<int32_t> positions_;
  std::vector<size_t> pages_;  // PagesNeeded of every item
  std::vector<AttentionSequence> sequences_;
  std::vector<PhaseRows> phases_, wanted_phases_;
  std::vector<uint32_t> rows_;
  size_t phase_count_ = 0, wanted_phase_count_ = 0;
  std::span<const BatchItem> items_;
  size_t tokens_ = 0, wanted_count_ = 0, sequence_count_ = 0;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_BATCH_PLAN_H_
