#include "reference/model/transformer.h"

#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "reference/model/scratch.h"
#include "reference/model/shards.h"

namespace weft::engine {

// One batch at a time. Rows of every buffer are the tokens of the batch; s.x is the residual stream.
struct Transformer::Impl {
  Impl(const Model& model, Executor executor, const TransformerOptions& options, const Scratch::Sizes& sizes)
      : model(model),
        c(model.config),
        executor(executor),
        options(options),
        plan(sizes.tokens, sizes.logits),
        s(model, sizes) {}

  const Model& model;
  const ModelConfig& c;
  Executor executor;
  TransformerOptions options;
  BatchPlan plan;
  Scratch s;
  Status status;  // the first error of the pass

  // The pass, from token ids to logits.
  void Run();
  void Embed();
  void Attend(size_t layer);
  void FeedForward(const LayerWeights& w);
  void Project();

  // Its pieces.
  void Normalize(const float* x, size_t rows, const NormWeights& w);
  void Rotate(float* x, size_t heads);
  void Multiply(ActivationSet& x, const Linear& w, float* y, Epilogue epilogue = {});
  void AddToResidual(ActivationSet& x, const Linear& w);
  void Check(Status result) {
    if (status.ok()) status = result;
  }
  // The input of products: rows of s.activations' quantised forms.
  ActivationSet Input(const float* x, size_t rows, size_t cols) {
    return MakeActivations(x, rows, cols, cols, s.activations.workspace());
  }
};

void Transformer::Impl::Run() {
  Embed();
  for (size_t layer = 0; layer < c.layers && status.ok(); ++layer) {
    Attend(layer);
    FeedForward(model.layers[layer]);
  }
  Project();
}

// x = embedding[token]; and the angles that all layers rotate by.
void Transformer::Impl::Embed() {
  GetRowsArgs rows;
  rows.w = model.embedding;
  rows.ids = plan.ids();
  rows.count = plan.tokens();
  rows.y = s.x.data();
  rows.y_stride = c.width;
  rows.scale = c.embedding_scale;
  Check(GetRows(rows, executor));

  if (c.rope_frequency.empty()) return;
  RopeTableArgs angles;
  angles.positions = plan.positions();
  angles.tokens = plan.tokens();
  angles.frequency = c.rope_frequency.data();
  angles.pairs = c.rope_frequency.size();
  angles.magnitude = c.rope_magnitude;
  angles.table = s.rope.data();
  Check(RopeTable(angles, executor));
}

// x += output(attention(rotate(q), rotate(k), v)), with q, k, v = products of norm(x); k and v join the sequences.
void Transformer::Impl::Attend(size_t layer) {
  const LayerWeights& w = model.layers[layer];
  Normalize(s.x.data(), plan.tokens(), w.attention_norm);
  ActivationSet normed = Input(s.normed.data(), plan.tokens(), c.width);
  Multiply(normed, w.q, s.q.data());
  Multiply(normed, w.k, s.k.data());
  Multiply(normed, w.v, s.v.data());
  Rotate(s.q.data(), c.heads);
  Rotate(s.k.data(), c.kv_heads);
  Check(plan.Write(layer, s.k.data(), s.v.data(), c));

  const std::span<const AttentionSequence> sequences = plan.Sequences(layer);
  AttentionArgs args = AttentionShape(c, options.backend);
  args.q = s.q.data();
  args.out = s.attended.data();
  args.sequences = sequences.data();
  args.sequence_count = sequences.size();
  Check(Attention(args, executor, s.attention.workspace()));

  ActivationSet attended = Input(s.attended.data(), plan.tokens(), c.heads * c.v_size);
  AddToResidual(attended, w.attention_output);
}

// x += down(activation(gate(norm(x))) * up(norm(x)))
void Transformer::Impl::FeedForward(const LayerWeights& w) {
  Normalize(s.x.data(), plan.tokens(), w.ffn_norm);
  ActivationSet normed = Input(s.normed.data(), plan.tokens(), c.width);
  if (w.gate.weight.type == w.up.weight.type) {
    Epilogue gated;
    gated.activation = c.activation;
    gated.gate = &w.gate.weight;
    gated.gate_bias = w.gate.bias;
    Multiply(normed, w.up, s.hidden.data(), gated);
  } else {  // a product and its gate can be fused where they share a format
    Multiply(normed, w.gate, s.gate.data());
    Multiply(normed, w.up, s.hidden.data());
    GatedArgs gated;
    gated.gate = s.gate.data();
    gated.up = s.hidden.data();
    gated.y = s.hidden.data();
    gated.gate_stride = gated.up_stride = gated.y_stride = gated.cols = c.ffn_width;
    gated.rows = plan.tokens();
    gated.activation = c.activation;
    Check(Gated(gated, executor));
  }
  ActivationSet hidden = Input(s.hidden.data(), plan.tokens(), c.ffn_width);
  AddToResidual(hidden, w.down);
}

// logits = output(norm(x)), for the tokens whose logits are wanted.
void Transformer::Impl::Project() {
  const std::span<const uint32_t> wanted = plan.wanted();
  for (size_t i = 0; i < wanted.size(); ++i) {  // rows only move up: wanted[i] >= i
    std::memmove(&s.x[i * c.width], &s.x[wanted[i] * c.width], c.width * sizeof(float));
  }
  Normalize(s.x.data(), wanted.size(), model.output_norm);
  ActivationSet normed = Input(s.normed.data(), wanted.size(), c.width);
  Epilogue scaled;
  scaled.scale = c.logit_scale;
  Multiply(normed, model.output, s.logits.data(), scaled);
}

void Transformer::Impl::Normalize(const float* x, size_t rows, const NormWeights& w) {
  NormArgs args;
  args.x = x;
  args.y = s.normed.data();
  args.stride = args.y_stride = args.cols = c.width;
  args.rows = rows;
  args.weight = w.weight;
  args.bias = w.bias;
  args.epsilon = c.norm_epsilon;
  args.kind = c.norm;
  Check(Norm(args, executor));
}

void Transformer::Impl::Rotate(float* x, size_t heads) {
  if (c.rope_frequency.empty()) return;
  RopeArgs args;
  args.x = x;
  args.tokens = plan.tokens();
  args.heads = heads;
  args.head_stride = c.k_size;
  args.token_stride = heads * c.k_size;
  args.pairs = c.rope_frequency.size();
  args.table = s.rope.data();
  args.kind = c.rope;
  Check(Rope(args, executor));
}

// y = x * w^T + bias, without gaps between the rows of y.
void Transformer::Impl::Multiply(ActivationSet& x, const Linear& w, float* y, Epilogue epilogue) {
  MatMulArgs args;
  args.x = &x;
  args.w = w.weight;
  args.y = y;
  args.y_stride = w.weight.rows;
  args.epilogue = epilogue;
  args.epilogue.bias = w.bias;
  args.summation = options.summation;
  Check(MatMul(args, executor, s.matmul.workspace()));
}

void Transformer::Impl::AddToResidual(ActivationSet& x, const Linear& w) {
  Epilogue residual;
  residual.residual = s.x.data();
  residual.residual_stride = c.width;
  residual.scale = c.residual_scale;
  Multiply(x, w, s.x.data(), residual);
  SumOverShards({s.x.data(), plan.tokens() * c.width});
}

Result<std::span<const float>> Transformer::Forward(std::span<const BatchItem> batch) {
  if (Result<void> planned = impl_->plan.Set(batch, impl_->c); !planned.ok()) return planned.error();
  impl_->status = Ok();
  impl_->Run();
  if (!impl_->status.ok()) {
    char text[128];
    return Error{std::string("forward pass: ") + ToText(impl_->status, text, sizeof(text))};
  }
  impl_->plan.Commit();
  return std::span<const float>(impl_->s.logits.data(), impl_->plan.wanted().size() * impl_->c.vocabulary);
}

Result<Transformer> Transformer::Create(const Model& model, Executor executor, const TransformerOptions& options) {
  constexpr size_t kMaxBatch = 1 << 16;
  if (options.max_batch == 0 || options.max_batch > kMaxBatch || options.max_logits > options.max_batch) {
    return Error{"a batch of " + std::to_string(options.max_batch) + " tokens with up to " +
                 std::to_string(options.max_logits) + " logits is not possible, expected 1 to " +
                 std::to_string(kMaxBatch) + " tokens and no more logits"};
  }
  const Scratch::Sizes sizes{.tokens = options.max_batch,
                             .logits = options.max_logits != 0 ? options.max_logits : options.max_batch,
                             .context = options.max_context != 0 ? options.max_context : model.config.context,
                             .workers = executor.workers,
                             .backend = options.backend};
  try {
    return Transformer(std::make_unique<Impl>(model, executor, options, sizes));
  } catch (const std::bad_alloc&) {
    return Error{"not enough memory for batches of " + std::to_string(options.max_batch) + " tokens"};
  }
}

Transformer::Transformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transformer::Transformer(Transformer&& other) noexcept = default;
Transformer& Transformer::operator=(Transformer&& other) noexcept = default;
Transformer::~Transformer() = default;

const Model& Transformer::model() const { return impl_->model; }
size_t Transformer::max_batch() const { return impl_->plan.max_tokens(); }
size_t Transformer::max_logits() const { return impl_->plan.max_logits(); }
size_t Transformer::bytes() const { return impl_->s.bytes(); }

}  // namespace weft::engine
