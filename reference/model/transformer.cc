#include "reference/model/transformer.h"

#include <bit>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "reference/model/transformer_impl.h"

namespace weft::engine {
namespace {

// Whether none is NaN or infinite; by the bits, which compilers turn into vector code.
bool AllFinite(std::span<const float> x) {
  constexpr uint32_t kExponent = 0x7F800000;
  uint32_t found = 0;
  for (const float value : x) found |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? 1u : 0u;
  return found == 0;
}

}  // namespace

void Transformer::Impl::Run() {
  Embed();
  for (size_t layer = 0; layer < c.layers.size() && !error; ++layer) {
    Attend(layer);
    FeedForward(layer);
  }
  Project();
}

// x = embedding[token] + position[its place]
void Transformer::Impl::Embed() {
  LookUp(model.embedding, plan.ids(), c.embedding_scale, s.x.data());
  AddPositions();
  MakeAngles();
}

// x += output(attention(rotate(norm(q)), rotate(norm(k)), v)), with q, k, v = products of norm(x); k and v join the
// sequences.
void Transformer::Impl::Attend(size_t layer) {
  const LayerConfig& l = c.layers[layer];
  const LayerWeights& w = model.layers[layer];
  NormalizeRows(plan.tokens(), w.attention_norm);
  ActivationSet normed = Input(s.normed.data(), plan.tokens(), c.width);
  Multiply("attn_q + attn_k + attn_v", normed, {{w.q, s.q.data()}, {w.k, s.k.data()}, {w.v, s.v.data()}});
  NormalizeHeads(s.q.data(), l.heads, l.k_size, w.q_norm);
  NormalizeHeads(s.k.data(), l.kv_heads, l.k_size, w.k_norm);
  Rotate(s.q.data(), l.heads, l);
  Rotate(s.k.data(), l.kv_heads, l);
  Remember(layer);
  AttendToSequences(layer);
  ActivationSet attended = Input(s.attended.data(), plan.tokens(), l.attended_width());
  AddToResidual(attended, w.attention_output);
}

// x += down(activation(gate(norm(x))) * up(norm(x)))
void Transformer::Impl::FeedForward(size_t layer) {
  const LayerConfig& l = c.layers[layer];
  const LayerWeights& w = model.layers[layer];
  NormalizeRows(plan.tokens(), w.ffn_norm);
  ActivationSet normed = Input(s.normed.data(), plan.tokens(), c.width);
  Hidden(normed, l, w);
  ActivationSet hidden = Input(s.hidden.data(), plan.tokens(), l.ffn_width);
  AddToResidual(hidden, w.down);
}

// logits = output(norm(x)), for the tokens whose logits are wanted.
void Transformer::Impl::Project() {
  KeepWanted();
  const size_t wanted = plan.wanted().size();
  NormalizeRows(wanted, model.output_norm);
  ActivationSet normed = Input(s.normed.data(), wanted, c.width);
  Epilogue scaled;
  scaled.scale = c.logit_scale;
  Multiply(normed, model.output, s.logits.data(), scaled);
}

WorkspaceBytes Transformer::Impl::Measure() {
  WorkspaceBytes most;
  needed = &most;
  for (const size_t sequences : {size_t{1}, options.max_batch}) {
    plan.SetLargest(sequences, options.max_context != 0 ? options.max_context : c.context);
    Run();
  }
  needed = nullptr;
  return most;
}

Result<std::span<const float>> Transformer::Forward(std::span<const BatchItem> batch) {
  if (Result<void> planned = impl_->plan.Set(batch, impl_->c); !planned.ok()) return planned.error();
  impl_->error.reset();
  impl_->Run();
  if (impl_->error) {
    impl_->plan.Abandon();
    if (impl_->options.communicator != nullptr) impl_->options.communicator->Leave();
    return *impl_->error;
  }
  const std::span<const float> logits(impl_->s.logits.data(), impl_->plan.wanted().size() * impl_->c.vocabulary);
  if (!AllFinite(logits)) {
    impl_->plan.Abandon();
    return Error{ErrorKind::kBadFile,
                 "the logits are not numbers: weights are NaN or infinite, or sums or F16 keys and values overflow"};
  }
  impl_->plan.Commit();
  return logits;
}

Result<Transformer> Transformer::Create(const Model& model, Executor executor, const TransformerOptions& options) {
  constexpr size_t kMaxBatch = 1 << 16;
  if (options.max_batch == 0 || options.max_batch > kMaxBatch || options.max_logits > options.max_batch) {
    return Error{ErrorKind::kBadArgument, "a batch of " + std::to_string(options.max_batch) + " tokens with up to " +
                                              std::to_string(options.max_logits) +
                                              " logits is not possible, expected 1 to " + std::to_string(kMaxBatch) +
                                              " tokens and no more logits"};
  }
  const size_t meeting = options.communicator != nullptr ? options.communicator->shards() : 1;
  if (meeting != model.shards) {
    return Error{ErrorKind::kBadArgument, "the model is split into " + std::to_string(model.shards) +
                                              ", the communicator joins " + std::to_string(meeting)};
  }
  const size_t max_logits = options.max_logits != 0 ? options.max_logits : options.max_batch;
  try {
    return Transformer(std::make_unique<Impl>(model, executor, options, max_logits));
  } catch (const std::bad_alloc&) {
    return Error{ErrorKind::kNoMemory,
                 "not enough memory for batches of " + std::to_string(options.max_batch) + " tokens"};
  }
}

Transformer::Transformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transformer::Transformer(Transformer&& other) noexcept = default;
Transformer& Transformer::operator=(Transformer&& other) noexcept = default;
Transformer::~Transformer() = default;

void Transformer::SetProfile(Profile* profile) { impl_->profile = profile; }
const Model& Transformer::model() const { return impl_->model; }
size_t Transformer::max_batch() const { return impl_->plan.max_tokens(); }
size_t Transformer::max_logits() const { return impl_->plan.max_logits(); }
size_t Transformer::bytes() const { return impl_->s.bytes(); }

}  // namespace weft::engine
