// The operations that the forward pass consists of: each fills in the arguments of a weft function.
#include <cstring>

#include "reference/model/transformer_impl.h"

namespace weft::engine {
namespace {
constexpr std::string_view kGateAndUp = "ffn_gate + ffn_up";
constexpr size_t kMostTogether = 3;  // q, k and v
}  // namespace

void Transformer::Impl::LookUp(const WeightView& table, const uint32_t* ids, float scale, float* y) {
  const ProfileTimer timer(Profiled("embedding"));
  GetRowsArgs args;
  args.w = table;
  args.ids = ids;
  args.count = plan.tokens();
  args.y = y;
  args.y_stride = c.width;
  args.scale = scale;
  Do([&] { return GetRows(args, executor); });
}

void Transformer::Impl::AddPositions() {
  if (!c.learned_positions) return;
  float* learned = s.normed.data();  // not in use yet
  LookUp(model.positions, reinterpret_cast<const uint32_t*>(plan.positions()), 1.0f, learned);
  Do([&] {
    for (size_t i = 0; i < plan.tokens() * c.width; ++i) s.x[i] += learned[i];
    return Ok();
  });
}

void Transformer::Impl::MakeAngles() {
  for (size_t i = 0; i < c.rotations.size(); ++i) {
    const ProfileTimer timer(Profiled("rope"));
    RopeTableArgs args;
    args.positions = plan.positions();
    args.tokens = plan.tokens();
    args.frequency = c.rotations[i].frequency.data();
    args.pairs = c.rotations[i].frequency.size();
    args.magnitude = c.rotations[i].magnitude;
    args.table = s.rope[i].data();
    Do([&] { return RopeTable(args, executor); });
  }
}

void Transformer::Impl::Normalize(const float* x, float* y, size_t tokens, size_t heads, size_t size,
                                  const NormWeights& w) {
  const ProfileTimer timer(Profiled("norm"));
  NormArgs args;
  args.x = x;
  args.y = y;
  args.stride = args.y_stride = heads * size;
  args.head_stride = args.y_head_stride = args.cols = size;
  args.rows = tokens * heads;
  args.heads = heads;
  args.weight = w.weight;
  args.bias = w.bias;
  args.epsilon = c.norm_epsilon;
  args.kind = c.norm;
  Do([&] { return Norm(args, executor); });
}

void Transformer::Impl::NormalizeHeads(float* x, size_t heads, size_t size, const NormWeights& w) {
  if (w.weight != nullptr) Normalize(x, x, plan.tokens(), heads, size, w);
}

void Transformer::Impl::Rotate(float* x, size_t heads, const LayerConfig& l) {
  if (!l.rotation) return;
  const ProfileTimer timer(Profiled("rope"));
  RopeArgs args;
  args.x = args.y = x;
  args.tokens = plan.tokens();
  args.heads = heads;
  args.head_stride = args.y_head_stride = l.k_size;
  args.token_stride = args.y_token_stride = heads * l.k_size;
  args.pairs = c.rotations[*l.rotation].frequency.size();
  args.table = s.rope[*l.rotation].data();
  args.kind = c.rope;
  Do([&] { return Rope(args, executor); });
}

void Transformer::Impl::Remember(size_t layer) {
  const ProfileTimer timer(Profiled("kv cache"));
  Do([&] { return plan.Write(layer, s.k.data(), s.v.data(), c.layers[layer], executor); });
}

void Transformer::Impl::AttendToSequences(size_t layer) {
  const ProfileTimer timer(Profiled("attention"));
  const std::span<const AttentionSequence> sequences = plan.Sequences(layer);
  const LayerConfig& l = c.layers[layer];
  AttentionArgs args;
  args.q = s.q.data();
  args.q_token_stride = l.q_width();
  args.q_head_stride = args.k_size = l.k_size;
  args.out = s.attended.data();
  args.out_token_stride = l.attended_width();
  args.out_head_stride = args.v_size = l.v_size;
  args.heads = l.heads;
  args.kv_heads = l.kv_heads;
  args.scale = l.attention_scale;
  args.window = l.window;
  args.backend = options.backend;
  args.summation = options.summation;
  args.sequences = sequences.data();
  args.sequence_count = sequences.size();
  Do(
      &WorkspaceBytes::attention, [&] { return AttentionWorkspaceBytes(args, executor.workers); },
      [&] { return Attention(args, executor, s.attention.workspace()); });
}

void Transformer::Impl::KeepWanted() {
  Do([&] {
    const std::span<const uint32_t> wanted = plan.wanted();
    for (size_t i = 0; i < wanted.size(); ++i) {  // rows only move up: wanted[i] >= i
      std::memmove(&s.x[i * c.width], &s.x[wanted[i] * c.width], c.width * sizeof(float));
    }
    return Ok();
  });
}

void Transformer::Impl::Multiply(ActivationSet& x, const Linear& w, float* y, Epilogue epilogue) {
  const WeightView* const weights[] = {&w.weight, &epilogue.gate};
  const bool gated = epilogue.gated();
  const ProfileTimer timer(ProfiledProduct(gated ? kGateAndUp : w.name, {weights, gated ? 2u : 1u}, x.rows));
  MatMulArgs args = Arguments(x, w, y);
  args.epilogue = epilogue;
  args.epilogue.bias = w.bias;
  MultiplyPhases({&args, 1});
}

void Transformer::Impl::Multiply(std::string_view name, ActivationSet& x, std::initializer_list<Product> products) {
  MatMulArgs args[kMostTogether];
  const WeightView* weights[kMostTogether];
  size_t count = 0;
  for (const Product& product : products) {
    args[count] = Arguments(x, product.w, product.y);
    weights[count++] = &product.w.weight;
  }
  const ProfileTimer timer(ProfiledProduct(name, {weights, count}, x.rows));
  MultiplyPhases({args, count});
}

void Transformer::Impl::MultiplyPhases(std::span<MatMulArgs> products) {
  const size_t rows = products.front().x->rows;
  const auto multiply = [&](std::span<const MatMulArgs> args) {
    Do(
        &WorkspaceBytes::matmul, [&] { return MatMulWorkspaceBytes(args.data(), args.size(), executor.workers); },
        [&] { return MatMul(args.data(), args.size(), executor, s.matmul.workspace()); });
  };
  if (options.summation != Summation::kUniform) return multiply(products);
  MatMulArgs piece[kMostTogether];
  for (const PhaseRows& phase : rows == plan.tokens() ? plan.phases() : plan.wanted_phases()) {
    for (size_t i = 0; i < products.size(); ++i) {
      piece[i] = products[i];
      piece[i].phase = phase.phase;
      if (phase.count == rows) continue;
      piece[i].row_index = plan.rows() + phase.begin;
      piece[i].row_count = phase.count;
      piece[i].y += phase.begin * piece[i].y_stride;
      Epilogue& epilogue = piece[i].epilogue;
      if (epilogue.residual != nullptr) epilogue.residual += phase.begin * epilogue.residual_stride;
    }
    multiply({piece, products.size()});
  }
}

void Transformer::Impl::Hidden(ActivationSet& x, const LayerConfig& l, const LayerWeights& w) {
  if (!w.gated() || w.fuses_gate()) {
    Epilogue epilogue;
    epilogue.activation = c.activation;
    if (w.gated()) epilogue.gate = w.gate.weight;
    epilogue.gate_bias = w.gate.bias;
    Multiply(x, w.up, s.hidden.data(), epilogue);
    return;
  }
  Multiply(kGateAndUp, x, {{w.gate, s.gate.data()}, {w.up, s.hidden.data()}});
  const ProfileTimer timer(Profiled("gate"));
  GatedArgs args;
  args.gate = s.gate.data();
  args.up = s.hidden.data();
  args.y = s.hidden.data();
  args.gate_stride = args.up_stride = args.y_stride = args.cols = l.ffn_width;
  args.rows = plan.tokens();
  args.activation = c.activation;
  Do([&] { return Gated(args, executor); });
}

void Transformer::Impl::AddToResidual(ActivationSet& x, const Linear& w) {
  Epilogue epilogue;
  epilogue.scale = c.residual_scale;
  if (options.communicator == nullptr) {
    epilogue.residual = s.x.data();
    epilogue.residual_stride = c.width;
    Multiply(x, w, s.x.data(), epilogue);
    return;
  }
  float* product = s.normed.data();  // what was made of its norm is in x
  Multiply(x, w, product, epilogue);
  const ProfileTimer timer(Profiled("sum over shards"));
  Do([&] { return options.communicator->Sum({product, plan.tokens() * c.width}); });
  Do([&] {
    executor.For(plan.tokens(), [&](size_t token, uint32_t) {
      for (size_t i = token * c.width; i < (token + 1) * c.width; ++i) s.x[i] += product[i];
    });
    return Ok();
  });
}

}  // namespace weft::engine
