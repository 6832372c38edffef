// The forward pass.
#ifndef WEFT_REFERENCE_MODEL_TRANSFORMER_H_
#define WEFT_REFERENCE_MODEL_TRANSFORMER_H_

#include <cstddef>
#include <memory>
#include <span>

#include "reference/base/result.h"
#include "reference/model/batch_plan.h"
#include "reference/model/communicator.h"
#include "reference/model/model.h"
#include "reference/model/profile.h"
#include "reference/model/sequence.h"
#include "weft/weft.h"

namespace weft::engine {

struct TransformerOptions {
  size_t max_batch = 512;  // tokens per Forward
  size_t max_logits = 0;   // tokens per Forward whose logits can be had; 0: max_batch
  size_t max_context = 0;  // of any sequence; 0: the model's. Only AttentionBackend::kStandard needs memory for it
  AttentionBackend backend = AttentionBackend::kAuto;
  Summation summation = Summation::kFastest;  // kUniform: BatchItem::phase decides
  Precision precision = Precision::kFast;
  Communicator* communicator = nullptr;  // of a model that is a shard (split.h); null: it is whole
};

// Runs batches of tokens through a model. Create allocates everything; Forward allocates nothing.
class Transformer {
 public:
  // `model`, the executor's threads and the communicator must outlive the object. Errors: options out of range, a model
  // of more or fewer shards than the communicator has (none: one), not enough memory.
  static Result<Transformer> Create(const Model& model, Executor executor, const TransformerOptions& options = {});
  Transformer(Transformer&& other) noexcept;
  Transformer& operator=(Transformer&& other) noexcept;
  ~Transformer();

  // Feeds the tokens, extends the sequences, and returns the logits that were asked for, item by item and token by
  // token, [n, vocabulary] (valid until the next call). Errors (no sequence changes): too many tokens or logits, a
  // token outside the vocabulary, a full context or pool, a sequence of another model or one that occurs twice; logits
  // that are NaN or infinite. Shards must be given the same batches; then all return the same.
  Result<std::span<const float>> Forward(std::span<const BatchItem> batch);

  // From now on adds what Forward spends its time on to `profile`; null: no more. What Forward allocates then is a few
  // entries in the first pass.
  void SetProfile(Profile* profile);

  const Model& model() const;
  size_t max_batch() const;
  size_t max_logits() const;
  size_t bytes() const;  // of all buffers

 private:
  struct Impl;
  explicit Transformer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_TRANSFORMER_H_
