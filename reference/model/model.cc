#include "reference/model/model.h"

#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "reference/gguf/printable.h"

namespace weft::engine {
namespace {

std::string ShapeText(const GgufTensor& tensor) {
  std::string text = "[" + std::to_string(tensor.shape[0]);
  for (uint32_t i = 1; i < tensor.dimensions && i < 4; ++i) text += ", " + std::to_string(tensor.shape[i]);
  return text + "]";
}

// Finds tensors and checks them. After the first error, which is kept, it hands out empty views.
class Loader {
 public:
  Loader(const Gguf& file, Model* model) : file_(file), model_(model) {}

  bool Has(const std::string& name) const { return file_.FindTensor(name) != nullptr; }

  // A matrix of `rows` x `cols` in a format that there are kernels for; GGUF writes its shape as [cols, rows].
  WeightView Matrix(const std::string& name, size_t rows, size_t cols) {
    const GgufTensor* tensor = Find(name);
    if (tensor == nullptr) return {};
    if (tensor->shape[0] != cols || tensor->shape[1] != rows || tensor->shape[2] != 1 || tensor->shape[3] != 1) {
      return Fail<WeightView>(*tensor, "shape " + ShapeText(*tensor) + ", expected [" + std::to_string(cols) + ", " +
                                           std::to_string(rows) + "]");
    }
    if (!HasFormat(tensor->type)) {
      return Fail<WeightView>(*tensor, std::string("type ") + Name(tensor->type) + " has no kernels in this program");
    }
    return MakeWeights(tensor->data, tensor->type, rows, cols);
  }

  // A vector of floats.
  const float* Vector(const std::string& name, size_t size) {
    const GgufTensor* tensor = Find(name);
    if (tensor == nullptr) return nullptr;
    if (tensor->shape[0] != size || tensor->elements() != size) {
      return Fail<const float*>(*tensor, "shape " + ShapeText(*tensor) + ", expected [" + std::to_string(size) + "]");
    }
    if (LayoutOf(tensor->type).block_elements != 1 || !HasFormat(tensor->type)) {
      return Fail<const float*>(*tensor, std::string("type ") + Name(tensor->type) + ", expected F32, F16 or BF16");
    }
    // Aligned: Gguf::Parse has checked that.
    if (tensor->type == DType::kF32) return reinterpret_cast<const float*>(tensor->data);
    model_->owned.push_back(std::make_unique<float[]>(size));
    float* copy = model_->owned.back().get();
    if (const Status status = Dequantize(tensor->type, tensor->data, copy, size); !status.ok()) {
      char text[128];
      return Fail<const float*>(*tensor, std::string("cannot be read, ") + ToText(status, text, sizeof(text)));
    }
    return copy;
  }

  // PREFIX + NAME + ".weight" and ".bias". A bias that the architecture does not ask for may be there or not.
  Linear Product(const std::string& prefix, const std::string& name, size_t rows, size_t cols) {
    return {.weight = Matrix(prefix + name + ".weight", rows, cols), .bias = Bias(prefix, name, rows)};
  }
  NormWeights Norm(const std::string& prefix, const std::string& name, size_t size) {
    return {.weight = Vector(prefix + name + ".weight", size), .bias = Bias(prefix, name, size)};
  }

  // The tensor was read elsewhere.
  void MarkUsed(const std::string& name) {
    if (Has(name)) Find(name);
  }

  // An unused tensor means that the file asks for something this forward pass does not do.
  void RefuseUnused() {
    for (const GgufTensor& tensor : file_.tensors()) {
      if (error_ || used_.contains(&tensor)) continue;
      Fail<int>(tensor, "the architecture " + model_->config.architecture + " has no such tensor");
    }
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  const GgufTensor* Find(const std::string& name) {
    const GgufTensor* tensor = error_ ? nullptr : file_.FindTensor(name);
    if (tensor != nullptr) {
      if (used_.insert(tensor).second) model_->weight_bytes += tensor->bytes;
    } else if (!error_) {
      error_ = file_.ErrorAt("tensor " + name + ": is missing");
    }
    return tensor;
  }
  const float* Bias(const std::string& prefix, const std::string& name, size_t size) {
    const std::string bias = name + ".bias";
    return model_->config.Needs(bias) || Has(prefix + bias) ? Vector(prefix + bias, size) : nullptr;
  }
  template <class T>
  T Fail(const GgufTensor& tensor, const std::string& message) {
    error_ = file_.ErrorAt("tensor " + Printable(tensor.name) + ": " + message);
    return {};
  }

  const Gguf& file_;
  Model* model_;
  std::unordered_set<const GgufTensor*> used_;
  std::optional<Error> error_;
};

// Rows [first, first + rows) of a product.
Linear Rows(const Linear& whole, size_t first, size_t rows) {
  return {.weight = RowRange(whole.weight, first, rows), .bias = whole.bias != nullptr ? whole.bias + first : nullptr};
}

// q, k and v from tensors of their own, or one after the other from the rows of one.
void LoadInputs(Loader& load, const ModelConfig& c, const std::string& prefix, LayerWeights* w) {
  const size_t q = c.heads * c.k_size, k = c.kv_heads * c.k_size, v = c.kv_heads * c.v_size;
  if (c.Needs("attn_qkv.weight")) {
    const Linear whole = load.Product(prefix, "attn_qkv", q + k + v, c.width);
    w->q = Rows(whole, 0, q);
    w->k = Rows(whole, q, k);
    w->v = Rows(whole, q + k, v);
  } else {
    w->q = load.Product(prefix, "attn_q", q, c.width);
    w->k = load.Product(prefix, "attn_k", k, c.width);
    w->v = load.Product(prefix, "attn_v", v, c.width);
  }
  if (c.Needs("attn_q_norm.weight")) w->q_norm = load.Norm(prefix, "attn_q_norm", c.k_size);
  if (c.Needs("attn_k_norm.weight")) w->k_norm = load.Norm(prefix, "attn_k_norm", c.k_size);
}

LayerWeights LoadLayer(Loader& load, const ModelConfig& c, size_t layer) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  LayerWeights w;
  w.attention_norm = load.Norm(prefix, "attn_norm", c.width);
  LoadInputs(load, c, prefix, &w);
  w.attention_output = load.Product(prefix, "attn_output", c.width, c.heads * c.v_size);
  w.ffn_norm = load.Norm(prefix, "ffn_norm", c.width);
  if (c.Needs("ffn_gate.weight")) w.gate = load.Product(prefix, "ffn_gate", c.ffn_width, c.width);
  w.up = load.Product(prefix, "ffn_up", c.ffn_width, c.width);
  w.down = load.Product(prefix, "ffn_down", c.width, c.ffn_width);
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
  model.embedding = load.Matrix("token_embd.weight", c.vocabulary, c.width);
  if (c.learned_positions) model.positions = load.Matrix("position_embd.weight", c.context, c.width);
  for (size_t layer = 0; layer < c.layers && !load.error(); ++layer) model.layers.push_back(LoadLayer(load, c, layer));
  model.output_norm = load.Norm("", "output_norm", c.width);
  model.output.weight = model.embedding;
  if (load.Has("output.weight")) model.output = load.Product("", "output", c.vocabulary, c.width);
  if (!c.rope_frequency.empty()) load.MarkUsed("rope_freqs.weight");
  load.RefuseUnused();
  if (load.error()) return *load.error();
  return model;
}

}  // namespace weft::engine
