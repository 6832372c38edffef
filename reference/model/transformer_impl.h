// The state of a forward pass and its operations; the pass itself is in transformer.cc.
#ifndef WEFT_REFERENCE_MODEL_TRANSFORMER_IMPL_H_
#define WEFT_REFERENCE_MODEL_TRANSFORMER_IMPL_H_

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "reference/base/status_error.h"
#include "reference/model/scratch.h"
#include "reference/model/transformer.h"

namespace weft::engine {

// One batch at a time. Rows of every buffer are the tokens of the batch; s.x is the residual stream. After the first
// error, which is kept, what is computed is of no use.
//
// A pass can also be measured: then nothing is computed, but every operation notes in `needed` the memory that it would
// work in. So what the pass does is written down once.
struct Transformer::Impl {
  Impl(const Model& model, Executor executor, const TransformerOptions& options, size_t max_logits)
      : model(model),
        c(model.config),
        executor(executor),
        options(options),
        plan(options.max_batch, max_logits),
        s(model, options.max_batch, max_logits) {
    s.AllocateWorkspaces(Measure());
  }

  // What the largest batches need. They are extremes: one sequence with all tokens, and as many sequences as tokens.
  WorkspaceBytes Measure();

  const Model& model;
  const ModelConfig& c;
  Executor executor;
  TransformerOptions options;
  BatchPlan plan;
  Scratch s;
  std::optional<Error> error;
  Profile* profile = nullptr;
  WorkspaceBytes* needed = nullptr;  // of the pass that is being measured; null: it is computed

  // The pass, from token ids to logits (transformer.cc).
  void Run();
  void Embed();
  void Attend(size_t layer);
  void FeedForward(size_t layer);
  void Project();

  // Its operations (operations.cc).
  // y = scale * table[ids], a row per token.
  void LookUp(const WeightView& table, const uint32_t* ids, float scale, float* y);
  void AddPositions();
  // The angles of every rotation that layers share.
  void MakeAngles();
  // y = norm(x), every head of every token by itself; y may be x.
  void Normalize(const float* x, float* y, size_t tokens, size_t heads, size_t size, const NormWeights& w);
  // The rows of the residual stream, into s.normed.
  void NormalizeRows(size_t rows, const NormWeights& w) { Normalize(s.x.data(), s.normed.data(), rows, 1, c.width, w); }
  // Heads in place, if they are to be normalised.
  void NormalizeHeads(float* x, size_t heads, size_t size, const NormWeights& w);
  // Heads in place, where the layer rotates.
  void Rotate(float* x, size_t heads, const LayerConfig& l);
  // A layer's keys and values join the sequences.
  void Remember(size_t layer);
  // The rows whose logits are wanted become the first ones of s.x.
  void KeepWanted();
  // s.attended = attention(q, keys, values) of all sequences.
  void AttendToSequences(size_t layer);
  // y = x * w^T + bias, without gaps between the rows of y.
  void Multiply(ActivationSet& x, const Linear& w, float* y, Epilogue epilogue = {});
  // The same for several weights together.
  struct Product {
    const Linear& w;
    float* y;
  };
  void Multiply(std::string_view name, ActivationSet& x, std::initializer_list<Product> products);
  // Computes products of one x, the rows of each phase by themselves where that makes a difference.
  void MultiplyPhases(std::span<MatMulArgs> products);
  // s.hidden = activation(gate(x)) * up(x), or activation(up(x)) where there is no gate.
  void Hidden(ActivationSet& x, const LayerConfig& l, const LayerWeights& w);
  // s.x += scale * (x * w^T + bias); of a shard, the sum of all shards' products.
  void AddToResidual(ActivationSet& x, const Linear& w);
  // The input of products: rows of s.activations' quantised forms.
  ActivationSet Input(const float* x, size_t rows, size_t cols) {
    if (needed != nullptr) needed->activations = std::max(needed->activations, ActivationBytes(rows, cols));
    return MakeActivations(x, rows, cols, cols, s.activations.workspace());
  }
  MatMulArgs Arguments(ActivationSet& x, const Linear& w, float* y) const {
    MatMulArgs args;
    args.x = &x;
    args.w = w.weight;
    args.y = y;
    args.y_stride = w.weight.rows;
    args.epilogue.bias = w.bias;
    args.summation = options.summation;
    args.precision = options.precision;
    return args;
  }
  // For a ProfileTimer: null unless there is a profile.
  ProfileEntry* Profiled(std::string_view name) { return profile != nullptr ? profile->Find(name) : nullptr; }
  ProfileEntry* ProfiledProduct(std::string_view name, std::span<const WeightView* const> weights, size_t tokens) {
    return profile != nullptr ? profile->FindProduct(name, weights, tokens) : nullptr;
  }
  // Does a step of the pass, a call that returns a Status or a Result<void>.
  template <class Step>
  void Do(const Step& step) {
    if (needed != nullptr) return;
    Check(step());
  }
  void Check(const Status& status) {
    if (!status.ok() && !error) error = ErrorOf(status, "forward pass");
  }
  void Check(const Result<void>& result) {
    if (!result.ok() && !error) error = result.error();
  }
  // Does one that works in a workspace, of which `bytes()` tells the size.
  template <class Bytes, class Step>
  void Do(size_t WorkspaceBytes::*workspace, const Bytes& bytes, const Step& step) {
    if (needed != nullptr) needed->*workspace = std::max(needed->*workspace, bytes());
    Do(step);
  }
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_TRANSFORMER_IMPL_H_
