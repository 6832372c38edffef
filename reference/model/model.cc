#include "reference/model/model.h"

#include <optional>
#include <string>
#include <utility>

#include "reference/base/status_error.h"
#include "reference/gguf/printable.h"
#include "reference/model/tensors.h"

namespace weft::engine {
namespace {

std::string ShapeText(const GgufTensor& tensor) {
  std::string text(1, '[');
  text += std::to_string(tensor.shape[0]);
  for (uint32_t i = 1; i < tensor.dimensions && i < 4; ++i) text += ", " + std::to_string(tensor.shape[i]);
  return text + "]";
}

// Finds tensors and checks them. After the first error, which is kept, it hands out empty views.
class Loader {
 public:
  Loader(const Gguf& file, Model* model) : file_(file), model_(model), used_(file.tensors().size()) {}

  // The layer whose tensors are meant from now on.
  void Enter(size_t layer) { layer_ = layer; }
  bool Has(std::string_view name) const { return file_.FindTensor(FullName(name)) != nullptr; }

  // A matrix in a format that there are kernels for; GGUF writes its shape as [cols, rows].
  WeightView Matrix(std::string_view name) {
    const GgufTensor* tensor = Find(name);
    if (tensor == nullptr) return {};
    const auto [rows, cols, in_layer, may_be_more] = ShapeOf(model_->config, name, layer_);
    if (tensor->shape[0] != cols || !HasSize(tensor->shape[1], rows, may_be_more) || tensor->shape[2] != 1 ||
        tensor->shape[3] != 1) {
      return Fail<WeightView>(
          ErrorKind::kBadFile, *tensor,
          "shape " + ShapeText(*tensor) + ", expected [" + std::to_string(cols) + ", " + std::to_string(rows) + "]");
    }
    if (!HasFormat(tensor->type)) {
      return Fail<WeightView>(ErrorKind::kUnsupported, *tensor,
                              std::string("type ") + Name(tensor->type) + " has no kernels in this program");
    }
    return MakeWeights(tensor->data, tensor->type, rows, cols);
  }

  // A vector of floats.
  const float* Vector(std::string_view name) {
    const GgufTensor* tensor = Find(name);
    if (tensor == nullptr) return nullptr;
    const TensorShape shape = ShapeOf(model_->config, name, layer_);
    const size_t size = shape.cols;
    if (!HasSize(tensor->shape[0], size, shape.may_be_more) || tensor->elements() != tensor->shape[0]) {
      return Fail<const float*>(ErrorKind::kBadFile, *tensor,
                                "shape " + ShapeText(*tensor) + ", expected [" + std::to_string(size) + "]");
    }
    if (LayoutOf(tensor->type).block_elements != 1 || !HasFormat(tensor->type)) {
      return Fail<const float*>(ErrorKind::kUnsupported, *tensor,
                                std::string("type ") + Name(tensor->type) + ", expected F32, F16 or BF16");
    }
    // Aligned: Gguf::Parse has checked that.
    if (tensor->type == DType::kF32) return reinterpret_cast<const float*>(tensor->data);
    model_->owned.push_back(std::make_unique<float[]>(size));
    float* copy = model_->owned.back().get();
    if (const Status status = Dequantize(tensor->type, tensor->data, copy, size); !status.ok()) {
      const Error error = ErrorOf(status, "cannot be read");
      return Fail<const float*>(error.kind, *tensor, error.message);
    }
    return copy;
  }

  // BASE + ".weight" and ".bias". A bias that the architecture does not ask for may be there or not.
  Linear Product(const char* base) {
    return {.name = base, .weight = Matrix(std::string(base) + ".weight"), .bias = Bias(base)};
  }
  NormWeights Norm(const std::string& base) { return {.weight = Vector(base + ".weight"), .bias = Bias(base)}; }

  // The tensor was read elsewhere.
  void MarkUsed(const std::string& name) {
    if (const GgufTensor* tensor = file_.FindTensor(name)) Use(tensor);
  }

  // An unused tensor means that the file asks for something this forward pass does not do.
  void RefuseUnused() {
    for (const GgufTensor& tensor : file_.tensors()) {
      if (error_ || used_[IndexOf(&tensor)]) continue;
      Fail<int>(ErrorKind::kUnsupported, tensor,
                "the architecture " + model_->config.architecture + " has no such tensor");
    }
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  std::string FullName(std::string_view name) const {
    return TensorName(name, ShapeOf(model_->config, name, layer_), layer_);
  }
  static bool HasSize(uint64_t size, size_t expected, bool may_be_more) {
    return size == expected || (may_be_more && size > expected);
  }
  size_t IndexOf(const GgufTensor* tensor) const { return static_cast<size_t>(tensor - file_.tensors().data()); }
  void Use(const GgufTensor* tensor) {
    const size_t index = IndexOf(tensor);
    if (!used_[index]) model_->weight_bytes += tensor->bytes;
    used_[index] = true;
  }
  bool Needs(std::string_view name) const {
    return Contains(model_->config.tensors, name) || model_->config.layers[layer_].Needs(name);
  }
  const GgufTensor* Find(std::string_view name) {
    if (error_) return nullptr;
    const std::string full_name = FullName(name);
    const GgufTensor* tensor = file_.FindTensor(full_name);
    if (tensor != nullptr) {
      Use(tensor);
    } else {
      error_ = file_.ErrorAt(ErrorKind::kBadFile, "tensor " + full_name + ": is missing");
    }
    return tensor;
  }
  const float* Bias(const std::string& base) {
    const std::string bias = base + ".bias";
    return Needs(bias) || Has(bias) ? Vector(bias) : nullptr;
  }
  template <class T>
  T Fail(ErrorKind kind, const GgufTensor& tensor, const std::string& message) {
    error_ = file_.ErrorAt(kind, "tensor " + Printable(tensor.name) + ": " + message);
    return {};
  }

  const Gguf& file_;
  Model* model_;
  size_t layer_ = 0;
  std::vector<bool> used_;  // by the tensor's place in the file
  std::optional<Error> error_;
};

// Rows [first, first + rows) of a product.
Linear Rows(const Linear& whole, size_t first, size_t rows) {
  return {.name = whole.name,
          .weight = RowRange(whole.weight, first, rows),
          .bias = whole.bias != nullptr ? whole.bias + first : nullptr};
}

// q, k and v from tensors of their own, or one after the other from the rows of one.
void LoadInputs(Loader& load, const LayerConfig& l, LayerWeights* w) {
  if (l.Needs("attn_qkv.weight")) {
    const size_t q = l.q_width(), k = l.k_width(), v = l.v_width();
    const Linear whole = load.Product("attn_qkv");
    w->q = Rows(whole, 0, q);
    w->k = Rows(whole, q, k);
    w->v = Rows(whole, q + k, v);
  } else {
    w->q = load.Product("attn_q");
    w->k = load.Product("attn_k");
    w->v = load.Product("attn_v");
  }
  if (l.Needs("attn_q_norm.weight")) w->q_norm = load.Norm("attn_q_norm");
  if (l.Needs("attn_k_norm.weight")) w->k_norm = load.Norm("attn_k_norm");
}

LayerWeights LoadLayer(Loader& load, const LayerConfig& l) {
  LayerWeights w;
  w.attention_norm = load.Norm("attn_norm");
  LoadInputs(load, l, &w);
  w.attention_output = load.Product("attn_output");
  w.ffn_norm = load.Norm("ffn_norm");
  if (l.Needs("ffn_gate.weight")) w.gate = load.Product("ffn_gate");
  w.up = load.Product("ffn_up");
  w.down = load.Product("ffn_down");
  return w;
}

}  // namespace

Result<Model> LoadModel(const Gguf& file) {
  Result<ModelConfig> config = ReadConfig(file);
  if (!config.ok()) return config.error();
  Model model;
  model.config = std::move(*config);
  const ModelConfig& c = model.config;

  Loader load(file, &model);
  model.embedding = load.Matrix("token_embd.weight");
  if (c.learned_positions) model.positions = load.Matrix("position_embd.weight");
  for (size_t layer = 0; layer < c.layers.size() && !load.error(); ++layer) {
    load.Enter(layer);
    model.layers.push_back(LoadLayer(load, c.layers[layer]));
  }
  model.output_norm = load.Norm("output_norm");
  model.output = {.name = "output", .weight = model.embedding, .bias = nullptr};
  if (load.Has("output.weight")) model.output = load.Product("output");
  if (!c.rotations.empty()) load.MarkUsed("rope_freqs.weight");
  load.RefuseUnused();
  if (load.error()) return *load.error();
  return model;
}

}  // namespace weft::engine
