// Operations between matrix products, on one token (what generating one takes), 16 and 512: from the first-, second-
// and third-level cache of most CPUs.
#include "bench/operation.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/formats.h"
#include "weft/weft.h"

namespace weft::bench {
namespace {

constexpr size_t kTokens[] = {1, 16, 512};
constexpr size_t kCols = 2048;

// The operation of a kind on `m` rows of kCols floats, of which it reads `inputs` and writes `outputs` such arrays.
Operation OnRows(const std::string& name, size_t m, size_t inputs, size_t outputs) {
  Operation operation;
  operation.name = name + "/" + RowsAndCols(m, kCols);
  operation.read = inputs * m * kCols * sizeof(float);
  operation.written = outputs * m * kCols * sizeof(float);
  operation.elements = m * kCols;
  operation.pieces = PiecesOf(m, kCols);
  return operation;
}

// Which weights, at which precision, have the active target build a form of activations: with none it is never built.
struct FormUse {
  DType type = DType::kF32;
  Precision precision = Precision::kFast;
  bool found = false;
};
FormUse UseOf(ActivationForm form) {
  FormUse use;
  ForEachFormat([&]<class Format>() {
    const FormatKernels* format = ActiveKernels().Find(Format::kType);
    for (const Precision precision : {Precision::kFast, Precision::kFine}) {
      if (format != nullptr && format->Product(precision).form == form) use = {Format::kType, precision, true};
    }
  });
  return use;
}

void AddActivate(const Plan& plan, const char* name, ActivationForm form, size_t m) {
  const FormUse use = UseOf(form);
  if (!use.found) return;
  Operation operation = OnRows(std::string("activate/") + name, m, 1, 0);
  operation.written = IsQuantized(form) ? m * kCols + m * kCols / GroupOf(form) * sizeof(float) +
                                              m * kCols / kSumGroup * sizeof(int16_t)
                                        : m * kCols * sizeof(uint16_t);
  operation.prepare = [=]() -> Call {
    return [=, x = Normals(m * kCols),
            memory = Buffer<uint8_t>(FormBytes(form, m, kCols))](const Executor& executor) mutable {
      ActivationSet set = MakeActivations(x.data(), m, kCols, kCols, {memory.data(), memory.size()});
      return PrepareActivations(&set, use.type, executor, use.precision);
    };
  };
  AddOperation(plan, operation);
}

void AddNorm(const Plan& plan, const char* name, NormKind kind, bool residual, size_t m) {
  Operation operation =
      OnRows(std::string("norm/") + name + (residual ? "_residual" : ""), m, residual ? 2 : 1, residual ? 2 : 1);
  const bool has_bias = kind == NormKind::kLayer;
  operation.read += (has_bias ? 2 : 1) * kCols * sizeof(float);
  operation.prepare = [=]() -> Call {
    const size_t count = m * kCols;
    return [=, x = Normals(count), y = Buffer<float>(count), delta = Normals(residual ? count : 0),
            sum = Buffer<float>(residual ? count : 0), weight = Normals(kCols),
            bias = Normals(has_bias ? kCols : 0)](const Executor& executor) mutable {
      NormArgs args;
      args.kind = kind;
      args.x = x.data();
      args.y = y.data();
      args.stride = args.y_stride = kCols;
      args.rows = m;
      args.cols = kCols;
      args.weight = weight.data();
      if (has_bias) args.bias = bias.data();
      if (residual) {
        args.residual = delta.data();
        args.sum = sum.data();  // not x, which would grow from call to call
        args.residual_stride = args.sum_stride = kCols;
      }
      return Norm(args, executor);
    };
  };
  AddOperation(plan, operation);
}

void AddRope(const Plan& plan, const char* name, RopeKind kind, size_t m) {
  constexpr size_t kHeadSize = 64, kPairs = kHeadSize / 2;
  Operation operation = OnRows(std::string("rope/") + name, m, 1, 1);
  operation.read += m * kHeadSize * sizeof(float);  // the table
  operation.prepare = [=]() -> Call {
    return [=, x = Normals(m * kCols), y = Buffer<float>(m * kCols),
            table = Normals(m * kHeadSize)](const Executor& executor) mutable {
      RopeArgs args;
      args.kind = kind;
      args.x = x.data();
      args.y = y.data();
      args.token_stride = args.y_token_stride = kCols;
      args.head_stride = args.y_head_stride = kHeadSize;
      args.tokens = m;
      args.heads = kCols / kHeadSize;
      args.pairs = kPairs;
      args.table = table.data();
      return Rope(args, executor);
    };
  };
  AddOperation(plan, operation);
}

void AddSoftmax(const Plan& plan, size_t m) {
  Operation operation = OnRows("softmax/f32", m, 1, 1);
  operation.prepare = [=]() -> Call {
    return [=, x = Normals(m * kCols), y = Buffer<float>(m * kCols)](const Executor& executor) mutable {
      SoftmaxArgs args;
      args.x = x.data();
      args.y = y.data();
      args.stride = args.y_stride = args.cols = kCols;
      args.rows = m;
      return Softmax(args, executor);
    };
  };
  AddOperation(plan, operation);
}

const char* NameOf(Activation activation) {
  switch (activation) {
    case Activation::kNone: return "none";
    case Activation::kSilu: return "silu";
    case Activation::kGeluTanh: return "gelu_tanh";
    case Activation::kRelu: return "relu";
    case Activation::kGeluTanhF16: return "gelu_tanh_f16";
    case Activation::kGeluErf: return "gelu_erf";
    case Activation::kGeluQuick: return "gelu_quick";
    case Activation::kSigmoid: return "sigmoid";
  }
  return "unknown";
}

void AddGated(const Plan& plan, Activation activation, size_t m) {
  Operation operation = OnRows(std::string("gated/") + NameOf(activation), m, 2, 1);
  operation.prepare = [=]() -> Call {
    return [=, gate = Normals(m * kCols), up = Normals(m * kCols),
            y = Buffer<float>(m * kCols)](const Executor& executor) mutable {
      GatedArgs args;
      args.gate = gate.data();
      args.up = up.data();
      args.y = y.data();
      args.gate_stride = args.up_stride = args.y_stride = args.cols = kCols;
      args.rows = m;
      args.activation = activation;
      return Gated(args, executor);
    };
  };
  AddOperation(plan, operation);
}

// The best of a vocabulary.
void AddTopK(const Plan& plan, size_t k) {
  constexpr size_t kVocabulary = 128256;
  Operation operation;
  operation.name = "top_k/" + std::to_string(k) + "/" + RowsAndCols(1, kVocabulary);
  operation.read = kVocabulary * sizeof(float);
  operation.written = k * (sizeof(float) + sizeof(uint32_t));
  operation.elements = kVocabulary;
  operation.prepare = [=]() -> Call {
    return [=, x = Normals(kVocabulary), values = Buffer<float>(k),
            indices = Buffer<uint32_t>(k)](const Executor& executor) mutable {
      TopKArgs args;
      args.x = x.data();
      args.stride = args.cols = kVocabulary;
      args.rows = 1;
      args.k = args.index_stride = args.value_stride = k;
      args.indices = indices.data();
      args.values = values.data();
      return TopK(args, executor);
    };
  };
  AddOperation(plan, operation);
}

}  // namespace

void RegisterOperations(const Plan& plan) {
  for (const size_t m : kTokens) {
    AddActivate(plan, "bf16", ActivationForm::kBF16, m);
    AddActivate(plan, "a16", ActivationForm::kA16, m);
    AddActivate(plan, "a32", ActivationForm::kA32, m);
    AddActivate(plan, "a256", ActivationForm::kA256, m);
  }
  for (const bool residual : {false, true}) {
    for (const size_t m : kTokens) AddNorm(plan, "rms", NormKind::kRms, residual, m);
    for (const size_t m : kTokens) AddNorm(plan, "layer", NormKind::kLayer, residual, m);
  }
  for (const size_t m : kTokens) {
    AddRope(plan, "interleaved", RopeKind::kInterleaved, m);
    AddRope(plan, "half", RopeKind::kHalf, m);
    AddSoftmax(plan, m);
  }
  for (size_t i = 0; i < kActivations; ++i) {
    for (const size_t m : kTokens) AddGated(plan, static_cast<Activation>(i), m);
  }
  for (const size_t k : {1, 40}) AddTopK(plan, k);
}

}  // namespace weft::bench
