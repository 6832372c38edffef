// The library's calls with less to write: kernels, executor and working memory in one object. Written over the calls of
// weft/weft.h, which it neither extends nor hides.
//
//   weft::Context context(executor);                             // or context, for the calling thread alone
//   weft::Activations x(context, hidden, tokens, width);         // quantised once, shared by all that read it
//   weft::Status status = context.MatMul(x, {{.w = w_q, .y = q}, {.w = w_k, .y = k}, {.w = w_v, .y = v}});
//
// Unlike the rest of the library it allocates: whenever a call needs more working memory than any before it, and never
// else. Memory that cannot be had is an error (Code::kWorkspace); nothing throws.
#ifndef WEFT_CONTEXT_H_
#define WEFT_CONTEXT_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <initializer_list>
#include <memory>
#include <new>
#include <span>

#include "weft/weft.h"

namespace weft::inline WEFT_NAMESPACE {

// Memory that grows to what is taken of it at once, and is taken and given back like a stack.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // What is there without allocating; valid until something is taken.
  Workspace Rest() const {
    return top_ != nullptr ? Workspace{top_->bytes.get() + used_, top_->size - used_} : Workspace();
  }

  // `bytes` bytes at any alignment, or null data where there is no memory for them.
  Workspace Take(size_t bytes) {
    if (Rest().bytes < bytes && !Grow(bytes)) return {};
    ++pieces_;
    const Workspace piece{Rest().data, bytes};
    used_ += bytes;
    return piece;
  }
  // Pieces are given back last first; others become free when all are back.
  void Return(const Workspace& piece) {
    if (piece.data == nullptr) return;
    if (top_ != nullptr && static_cast<uint8_t*>(piece.data) + piece.bytes == top_->bytes.get() + used_) {
      used_ -= piece.bytes;
    }
    if (--pieces_ != 0) return;
    used_ = 0;
    top_->below.reset();  // the largest is left
  }
  // Makes room for a piece of `bytes` bytes.
  bool Grow(size_t bytes) {
    const size_t size = bytes < SIZE_MAX / 2 && top_ != nullptr && bytes < 2 * top_->size ? 2 * top_->size : bytes;
    std::unique_ptr<Block> block(new (std::nothrow) Block);
    if (block == nullptr) return false;
    block->bytes.reset(new (std::nothrow) uint8_t[size]);
    if (block->bytes == nullptr) return false;
    block->size = size;
    if (pieces_ != 0) block->below = std::move(top_);
    top_ = std::move(block);
    used_ = 0;
    return true;
  }

 private:
  struct Block {
    std::unique_ptr<uint8_t[]> bytes;
    size_t size = 0;
    std::unique_ptr<Block> below;  // in use
  };
  std::unique_ptr<Block> top_;
  size_t used_ = 0, pieces_ = 0;
};

template <class Library>
class Activations;

// Kernels, threads and working memory for calls one after the other, from one thread at a time. The kernels are those
// that were active, or given, when it was made. `Library`: as of the calls (dispatch/target.h).
template <class Library = Linked>
class Context {
 public:
  explicit Context(const Executor& executor = {}, const Kernels& kernels = Library::Active())
      : executor_(executor), kernels_(&kernels) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Executor& executor() const { return executor_; }
  const Kernels& kernels() const { return *kernels_; }

  // Any number of products of x together (see weft::MatMul). MatMulArgs::x is x, whatever it says; y_stride may be left
  // out where y has no gaps.
  Status MatMul(const Activations<Library>& x, const MatMulArgs& product) {
    return Multiply(x, {&product, 1}, nullptr);
  }
  Status MatMul(const Activations<Library>& x, std::initializer_list<MatMulArgs> products) {
    return MatMul(x, std::span<const MatMulArgs>(products.begin(), products.size()));
  }
  Status MatMul(const Activations<Library>& x, std::span<const MatMulArgs> products) {
    const Checked bytes = Carver::Bytes<MatMulArgs>(products.size());
    const Workspace copies = arena_.Take(static_cast<size_t>(bytes.OrMost()));
    const Status status = Multiply(x, products, Carver(copies).template Take<MatMulArgs>(products.size()));
    arena_.Return(copies);
    return status;
  }

  Status Attention(const AttentionArgs& args) {
    return Run([&](Workspace memory) { return weft::Attention<Library>(args, executor_, memory, *kernels_); });
  }
  Status Norm(const NormArgs& args) { return weft::Norm<Library>(args, executor_, *kernels_); }
  Status RopeTable(const RopeTableArgs& args) { return weft::RopeTable<Library>(args, executor_, *kernels_); }
  Status Rope(const RopeArgs& args) { return weft::Rope<Library>(args, executor_, *kernels_); }
  Status Elementwise(const ElementwiseArgs& args) { return weft::Elementwise<Library>(args, executor_, *kernels_); }
  Status Gated(const GatedArgs& args) { return weft::Gated<Library>(args, executor_, *kernels_); }
  Status Softmax(const SoftmaxArgs& args) { return weft::Softmax<Library>(args, executor_, *kernels_); }
  Status TopK(const TopKArgs& args) { return weft::TopK<Library>(args, executor_, *kernels_); }
  Status StoreKv(const StoreKvArgs& args) { return weft::StoreKv<Library>(args, executor_, *kernels_); }
  Status GetRows(const GetRowsArgs& args) { return weft::GetRows<Library>(args, executor_, *kernels_); }
  Status Dequantize(DType type, const void* blocks, float* y, size_t n) {
    return weft::Dequantize<Library>(type, blocks, y, n, executor_, *kernels_);
  }
  Status Quantize(DType type, const float* x, void* blocks, size_t n) {
    return weft::Quantize<Library>(type, x, blocks, n, executor_, *kernels_);
  }

 private:
  friend class Activations<Library>;

  // `copies`: room for as many arguments, or null for one that has it on the stack.
  Status Multiply(const Activations<Library>& x, std::span<const MatMulArgs> products, MatMulArgs* copies) {
    MatMulArgs one;
    if (products.size() == 1) copies = &one;
    if (copies == nullptr) return Error(Code::kWorkspace, "memory", 0, products.size() * sizeof(MatMulArgs));
    for (size_t i = 0; i < products.size(); ++i) {
      MatMulArgs& args = *new (copies + i) MatMulArgs(products[i]);
      args.x = &x.set_;
      if (args.y_stride == 0) args.y_stride = args.w.rows;
    }
    return Run(
        [&](Workspace memory) { return weft::MatMul<Library>(copies, products.size(), executor_, memory, *kernels_); });
  }

  // Calls tell what they need: first with the memory that is there, and where it is too little with enough.
  template <class F>
  Status Run(const F& call) {
    const Status status = call(arena_.Rest());
    if (status.code != Code::kWorkspace || strcmp(status.argument, "workspace") != 0) return status;
    return arena_.Grow(static_cast<size_t>(status.want)) ? call(arena_.Rest()) : status;
  }

  Executor executor_;
  const Kernels* kernels_;
  Arena arena_;
};

// `tokens` rows of `cols` floats, `stride` apart (0: without gaps), in the forms that products need, each built once.
// Lives in a scope, no longer than its context, and always stands for the same rows, which must not change meanwhile:
// other rows are another object.
template <class Library = Linked>
class Activations {
 public:
  Activations(Context<Library>& context, const float* x, size_t tokens, size_t cols, size_t stride = 0)
      : arena_(context.arena_),
        memory_(arena_.Take(weft::ActivationBytes(tokens, cols))),
        set_(MakeActivations(x, tokens, cols, stride != 0 ? stride : cols, memory_)) {}
  ~Activations() { arena_.Return(memory_); }
  Activations(const Activations&) = delete;
  Activations& operator=(const Activations&) = delete;
  static void* operator new(size_t) = delete;

 private:
  friend class Context<Library>;

  Arena& arena_;
  const Workspace memory_;
  mutable ActivationSet set_;  // what products build in it does not show
};

}  // namespace weft::inline WEFT_NAMESPACE

#endif  // WEFT_CONTEXT_H_
