#include "reference/model/batch_plan.h"

#include <numeric>
#include <string>

namespace weft::engine {
namespace {

// `count` rows more, after the last of `phases`.
void Append(PhaseRows* phases, size_t* phase_count, size_t count, Phase phase) {
  const size_t begin = *phase_count > 0 ? phases[*phase_count - 1].begin + phases[*phase_count - 1].count : 0;
  if (*phase_count > 0 && phases[*phase_count - 1].phase == phase) {
    phases[*phase_count - 1].count += count;
  } else {
    phases[(*phase_count)++] = {begin, count, phase};
  }
}

}  // namespace

BatchPlan::BatchPlan(size_t max_tokens, size_t max_logits)
    : max_tokens_(max_tokens),
      max_logits_(max_logits),
      ids_(max_tokens),
      wanted_(max_logits),
      positions_(max_tokens),
      pages_(max_tokens),
      sequences_(max_tokens),
      phases_(max_tokens),
      wanted_phases_(max_tokens),
      rows_(max_tokens) {
  std::iota(rows_.begin(), rows_.end(), 0u);
}

Result<void> BatchPlan::Set(std::span<const BatchItem> items, const ModelConfig& config) {
  items_ = items;
  tokens_ = wanted_count_ = 0;
  phase_count_ = wanted_phase_count_ = 0;
  sequence_count_ = items.size();
  if (items.empty()) return Error{ErrorKind::kBadArgument, "the batch is empty"};
  for (size_t i = 0; i < items.size(); ++i) {
    if (Result<void> added = Add(i, config); !added.ok()) return added;
  }
  for (const BatchItem& item : items) item.sequence->Grow(item.tokens.size());
  return {};
}

void BatchPlan::SetLargest(size_t sequences, size_t context) {
  items_ = {};
  tokens_ = max_tokens_;
  wanted_count_ = max_logits_;
  phases_[0] = {0, tokens_, Phase::kPrefill};
  wanted_phases_[0] = {0, wanted_count_, Phase::kPrefill};
  phase_count_ = wanted_phase_count_ = 1;
  sequence_count_ = sequences;
  const size_t queries = max_tokens_ / sequences;
  for (size_t i = 0; i < sequences; ++i) {
    sequences_[i] = {.first_query = i * queries,
                     .queries = queries,
                     .first_position = static_cast<int64_t>(context) - static_cast<int64_t>(queries),
                     .k = {},
                     .v = {},
                     .kv_length = context};
  }
}

Result<void> BatchPlan::Add(size_t index, const ModelConfig& config) {
  const BatchItem& item = items_[index];
  const size_t count = item.tokens.size();
  if (item.sequence == nullptr || count == 0)
    return Error{ErrorKind::kBadArgument, "a batch item has no sequence or no tokens"};
  if (!item.sequence->pool().Fits(config))
    return Error{ErrorKind::kBadArgument, "a sequence was created for another model"};
  for (size_t other = 0; other < index; ++other) {
    if (items_[other].sequence == item.sequence)
      return Error{ErrorKind::kBadArgument, "a sequence occurs twice in the batch"};
  }
  if (count > max_tokens_ - tokens_) {
    return Error{ErrorKind::kBadArgument, "the batch has more than " + std::to_string(max_tokens_) + " tokens"};
  }
  const size_t length = item.sequence->length();
  if (count > item.sequence->context() - length) {
    return Error{ErrorKind::kBadArgument, "the context is full: " + std::to_string(length) + " + " +
                                              std::to_string(count) + " tokens, room for " +
                                              std::to_string(item.sequence->context())};
  }
  pages_[index] = PagesNeeded(index);
  if (pages_[index] > item.sequence->pool().free_pages()) {
    return Error{ErrorKind::kNoMemory, "the key/value cache is full: the batch needs " + std::to_string(pages_[index]) +
                                           " pages of " + std::to_string(KvPool::kPageLength) + " tokens, of which " +
                                           std::to_string(item.sequence->pool().free_pages()) + " are free"};
  }
  const size_t wanted = item.all_logits ? count : 1;
  if (wanted > max_logits_ - wanted_count_) {
    return Error{ErrorKind::kBadArgument,
                 "the batch asks for the logits of more than " + std::to_string(max_logits_) + " tokens"};
  }
  Append(phases_.data(), &phase_count_, count, item.phase);
  Append(wanted_phases_.data(), &wanted_phase_count_, wanted, item.phase);
  sequences_[index] = {.first_query = tokens_,
                       .queries = count,
                       .first_position = static_cast<int64_t>(length),
                       .k = {},
                       .v = {},
                       .kv_length = length + count};
  for (size_t i = 0; i < count; ++i, ++tokens_) {
    if (item.tokens[i] >= config.vocabulary) {
      return Error{ErrorKind::kBadArgument, "token " + std::to_string(item.tokens[i]) +
                                                " is outside the vocabulary of " + std::to_string(config.vocabulary)};
    }
    ids_[tokens_] = item.tokens[i];
    positions_[tokens_] = static_cast<int32_t>(length + i);
    if (i + wanted >= count) wanted_[wanted_count_++] = static_cast<uint32_t>(tokens_);
  }
  return {};
}

// Of those that share the page they continue, the last one needs no copy where all of them are in the batch.
size_t BatchPlan::PagesNeeded(size_t index) const {
  const Sequence& sequence = *items_[index].sequence;
  size_t before = 0, leaving = 0;
  for (size_t other = 0; other < index; ++other) {
    const Sequence& earlier = *items_[other].sequence;
    if (&earlier.pool() != &sequence.pool()) continue;
    before = pages_[other];
    if (earlier.SharersOfLastPage() > 0 && sequence.SharersOfLastPage() > 0 &&
        earlier.pages_.back() == sequence.pages_.back()) {
      ++leaving;
    }
  }
  const bool keeps = leaving > 0 && leaving == sequence.SharersOfLastPage();
  return before + sequence.PagesToGrow(items_[index].tokens.size()) - (keeps ? 1 : 0);
}

Status BatchPlan::Write(size_t layer, const float* k, const float* v, const LayerConfig& config,
                        const Executor& executor) {
  for (const BatchItem& item : items_) {
    const size_t count = item.tokens.size();
    if (const Status status = item.sequence->Write(layer, k, v, count, executor); !status.ok()) return status;
    k += count * config.k_width();
    v += count * config.v_width();
  }
  return Ok();
}

std::span<const AttentionSequence> BatchPlan::Sequences(size_t layer) {
  for (size_t i = 0; i < items_.size(); ++i) {
    sequences_[i].k = items_[i].sequence->Keys(layer);
    sequences_[i].v = items_[i].sequence->Values(layer);
  }
  return {sequences_.data(), sequence_count_};
}

void BatchPlan::Abandon() {
  for (const BatchItem& item : items_) item.sequence->Truncate(item.sequence->length());
}

void BatchPlan::Commit() {
  for (const BatchItem& item : items_) item.sequence->length_ += item.tokens.size();
}

}  // namespace weft::engine
