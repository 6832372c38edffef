// How a product is computed: its tokens in tiles, and where everything lies in the workspace.
#ifndef WEFT_DRIVERS_MATMUL_PLAN_H_
#define WEFT_DRIVERS_MATMUL_PLAN_H_

#include <stddef.h>
#include <stdint.h>

#include <variant>

#include "weft/core/checked.h"
#include "weft/core/kernel_set.h"
#include "weft/core/strict_math.h"

namespace weft::inline WEFT_NAMESPACE::driver {

// From this many tokens on, decoding weights to panels pays.
inline constexpr size_t kPanelTokens = 9;
// Weight rows without panels: a run has a multiple of the first number, small enough to balance the threads, and at
// most as many as the second are multiplied at once, so many that switching between two matrices costs little.
inline constexpr size_t kDotStep = 32, kDotRows = 256;

// The tokens of a product as tiles of nearly equal size, in units of TileKernels::token_step. Only the last unit may be
// incomplete; where tokens are packed or summed it counts as full.
struct TokenTiles {
  size_t tokens = 0, step = 1, units = 0, tiles = 1;
  size_t shorter = 0, longer = 0;  // units of most tiles, and how many tiles, the first ones, have one more

  TokenTiles() = default;
  TokenTiles(const TileKernels& tile, size_t count) : tokens(count), step(tile.token_step) {
    units = (count + step - 1) / step;
    if (count <= tile.tokens) {  // spares small products some divisions
      shorter = units;
      return;
    }
    const size_t most = tile.tokens / tile.token_step;
    tiles = (units + most - 1) / most;
    shorter = units / tiles;
    longer = units % tiles;
  }
  size_t Padded() const { return units * step; }
  // The first token of tile i; of the one after the last: Padded().
  size_t Begin(size_t i) const { return (i * shorter + (i < longer ? i : longer)) * step; }
};

// What the threads share while a product runs, whichever way it is computed. The two ways are types derived from this:
//   StepRows(), TaskRows()    weight rows that runs are cut by, and rows of a task
//   RawTokens()               tokens whose raw products a worker holds at once, at most: never fewer for more tokens
//   PackedBytes()             of the tokens as the kernels want them
//   PanelBytes()              of a worker, beside raw products
struct ProductPlan {
  size_t tokens = 0, cols = 0;
  const ProductKernels* kernels = nullptr;
  size_t matrices = 1;  // 2 with a gate
  // Not there where only sizes are asked for.
  const MatMulArgs* args = nullptr;
  ActivationView x = {};
  const uint8_t* packed = nullptr;  // tokens

  // Bytes of weights.
  double WeightBytes() const {
    const WeightView& w = args->w;
    return static_cast<double>(w.rows) * static_cast<double>(RowBytes(w.type, w.cols)) * static_cast<double>(matrices);
  }
};

// Rows of weights as they lie in the file, each with all tokens, which are packed one after the other if the kernels
// want that.
struct DotPlan : ProductPlan {
  size_t StepRows() const { return kDotStep; }
  size_t TaskRows() const { return kDotRows; }
  size_t RawTokens() const { return tokens < kPanelTokens ? tokens : kPanelTokens; }
  // Of one token; 0 where kernels take it as it is.
  size_t LaneBytes() const { return kernels->lane_bytes != nullptr ? kernels->lane_bytes(cols) : 0; }
  Checked PackedBytes() const { return Checked(tokens) * LaneBytes(); }
  size_t PanelBytes() const { return 0; }

  // Whether tokens that were packed for a product with these kernels serve this one.
  bool SharesLayout(const DotPlan& other) const { return kernels == other.kernels; }
};

// Panels of weight rows, decoded chunk by chunk of columns, and tiles of tokens, packed chunk by chunk, tile by tile.
struct PanelPlan : ProductPlan {
  const TileKernels* tile = nullptr;
  TokenTiles tiles;

  size_t StepRows() const { return tile->rows; }
  size_t TaskRows() const { return tile->rows; }
  // Tiles whose raw products a worker holds at once: a panel is decoded anew for every such run. Runs of nearly equal
  // length, none longer than the first number of tiles.
  size_t MostRunTiles() const { return (kRunTokens + tile->tokens - 1) / tile->tokens; }
  size_t RunTiles() const {
    const size_t runs = (tiles.tiles + MostRunTiles() - 1) / MostRunTiles();
    return (tiles.tiles + runs - 1) / runs;
  }
  // As many as the longest run has, though those of a product with a few more tokens may be shorter.
  size_t RawTokens() const {
    if (tiles.Padded() <= kRunTokens) return tiles.Padded();
    const size_t most = MostRunTiles() * tile->tokens;
    return tiles.Padded() < most ? tiles.Padded() : most;
  }
  size_t Chunk() const { return cols < tile->chunk ? cols : tile->chunk; }
  size_t ChunkCols(size_t col) const { return cols - col < Chunk() ? cols - col : Chunk(); }
  // Packed tokens of tile i and columns from `col` on.
  size_t PackedAt(size_t col, size_t i) const {
    return tiles.Padded() * tile->token_bytes(col) + tiles.Begin(i) * tile->token_bytes(ChunkCols(col));
  }
  Checked PackedBytes() const { return Checked(tiles.Padded()) * tile->token_bytes(cols); }
  size_t PanelBytes() const { return tile->panel_bytes(Chunk()); }

  bool SharesLayout(const PanelPlan& other) const { return tile == other.tile && kernels->zero == other.kernels->zero; }

  // Tokens that a worker keeps sums of: 96 KiB of them with panels of 32 rows, beside the tokens' current chunk of
  // columns (512 to 680 bytes each) in a second-level cache.
  static constexpr size_t kRunTokens = 768;
};

// The memory of one worker.
template <class Plan>
Checked WorkerBytes(const Plan& plan) {
  const Checked raw = Carver::Bytes<float>(plan.RawTokens() * plan.TaskRows()) * plan.matrices;
  return (raw + Carver::Bytes<uint8_t>(plan.PanelBytes())).AlignedUp(Carver::kAlign);  // no cache line shared
}

// The shape is one that has kernels.
inline ProductPlan PlanProduct(const KernelSet& set, const MatMulShape& shape) {
  const ProductKernels& kernels = set.Find(shape.type)->Product(shape.precision);
  return {shape.tokens, shape.cols, &kernels, shape.gated ? size_t{2} : size_t{1}};
}
inline DotPlan PlanDots(const ProductPlan& product) { return {product}; }
inline PanelPlan PlanPanels(const KernelSet& set, const ProductPlan& product) {
  const TileKernels* tile = set.Find(product.kernels->panel);
  return {product, tile, TokenTiles(*tile, product.tokens)};
}

using MatMulPlan = std::variant<DotPlan, PanelPlan>;

inline MatMulShape ShapeOf(const MatMulArgs& args) {
  const size_t tokens = args.x != nullptr ? args.tokens() : 0;
  return {args.w.type, args.w.rows, args.w.cols, tokens, args.epilogue.gated(), 0, args.precision};
}

// Of a product whose activations are prepared.
inline ProductPlan PlanProduct(const KernelSet& set, const MatMulArgs& args) {
  ProductPlan plan = PlanProduct(set, ShapeOf(args));
  plan.args = &args;
  plan.x = args.x->built[static_cast<size_t>(plan.kernels->form)];
  return plan;
}
inline MatMulPlan PlanMatMul(const KernelSet& set, const MatMulArgs& args) {
  const bool panels =
      args.summation == Summation::kUniform ? args.phase == Phase::kPrefill : args.tokens() >= kPanelTokens;
  const ProductPlan product = PlanProduct(set, args);
  if (panels) return PlanPanels(set, product);
  return PlanDots(product);
}

// Sizes up to this are believed; sums of them stay far from the end of a size_t.
inline constexpr size_t kMostSize = size_t{1} << 40;

// One of several products that are computed together.
struct MatMulJob {
  MatMulPlan plan;
  size_t steps = 0, runs = 0;  // the rows in steps of StepRows(), and into how many runs these are cut

  const ProductPlan& product() const {
    return std::visit([](const auto& way) -> const ProductPlan& { return way; }, plan);
  }
};

// What a product takes of a workspace, computed in either way: packed tokens, and each worker's memory. Nothing if it
// computes nothing, or is none.
struct MatMulNeeds {
  const ProductKernels* kernels = nullptr;
  Checked dots = 0, panels = 0;  // packed tokens
  uint64_t worker = 0;
};
inline MatMulNeeds NeedsOf(const KernelSet& set, const MatMulShape& shape) {
  const FormatKernels* format = set.Find(shape.type);
  if (format == nullptr || shape.cols % format->block_elements != 0) return {};
  if (shape.rows == 0 || shape.cols == 0 || shape.tokens == 0) return {};
  const ProductKernels& kernels = format->Product(shape.precision);
  if (shape.tokens > kMostSize || shape.cols > kMostSize) return {&kernels, SIZE_MAX, SIZE_MAX, SIZE_MAX};
  const ProductPlan product = PlanProduct(set, shape);
  const DotPlan dots = PlanDots(product);
  const PanelPlan panels = PlanPanels(set, product);
  const uint64_t by_dots = WorkerBytes(dots).OrMost(), by_panels = WorkerBytes(panels).OrMost();
  return {&kernels, Carver::Bytes<uint8_t>(dots.PackedBytes()), Carver::Bytes<uint8_t>(panels.PackedBytes()),
          by_dots > by_panels ? by_dots : by_panels};
}

// Whether products with these kernels lay out packed tokens alike.
inline bool SameDots(const ProductKernels& a, const ProductKernels& b) { return &a == &b; }
inline bool SamePanels(const KernelSet& set, const ProductKernels& a, const ProductKernels& b) {
  return set.Find(a.panel) == set.Find(b.panel) && a.zero == b.zero;
}

// The bytes that `count` products take; shape(i) is that of product i, and same_input(i, j) tells whether i and an
// earlier j pack the same tokens. Every product has room for both ways of computing it, so that a size for many tokens
// is enough for few, and both for one, in whatever order they are summed. SIZE_MAX where that does not fit in a size_t,
// 0 where there is nothing to compute.
template <class ShapeAt, class SameInput>
size_t MatMulBytes(const KernelSet& set, size_t count, uint32_t workers, const ShapeAt& shape,
                   const SameInput& same_input) {
  Checked packed = 0;
  uint64_t worker = 0;
  size_t jobs = 0;
  for (size_t i = 0; i < count; ++i) {
    const MatMulNeeds needs = NeedsOf(set, shape(i));
    if (needs.kernels == nullptr) continue;
    ++jobs;
    bool dots_shared = false, panels_shared = false;
    for (size_t j = 0; j < i; ++j) {
      const FormatKernels* other = same_input(i, j) && shape(j).rows != 0 ? set.Find(shape(j).type) : nullptr;
      if (other == nullptr) continue;
      const ProductKernels& kernels = other->Product(shape(j).precision);
      dots_shared = dots_shared || SameDots(*needs.kernels, kernels);
      panels_shared = panels_shared || SamePanels(set, *needs.kernels, kernels);
    }
    const uint64_t few = dots_shared ? 0 : needs.dots.OrMost(), many = panels_shared ? 0 : needs.panels.OrMost();
    packed = packed + (few > many ? few : many);
    worker = needs.worker > worker ? needs.worker : worker;
  }
  if (jobs == 0) return 0;
  const Checked bytes = packed + Carver::Bytes<uint8_t>(Checked(worker) * workers) + Carver::Bytes<MatMulJob>(jobs);
  return static_cast<size_t>(bytes.OrMost());
}

inline size_t MatMulWorkspaceBytes(const KernelSet& set, const MatMulShape* products, size_t count, uint32_t workers) {
  if (products == nullptr) return 0;
  return MatMulBytes(
      set, count, workers, [&](size_t i) { return products[i]; },
      [&](size_t i, size_t j) { return products[i].input != 0 && products[i].input == products[j].input; });
}

// Whether two products read the same tokens in the same way.
inline bool SameInput(const MatMulArgs& a, const MatMulArgs& b) {
  return a.x == b.x && a.row_index == b.row_index && a.row_count == b.row_count && a.summation == b.summation &&
         a.phase == b.phase && a.precision == b.precision;
}

inline size_t MatMulWorkspaceBytes(const KernelSet& set, const MatMulArgs* products, size_t count, uint32_t workers) {
  if (products == nullptr) return 0;
  return MatMulBytes(
      set, count, workers, [&](size_t i) { return ShapeOf(products[i]); },
      [&](size_t i, size_t j) { return SameInput(products[i], products[j]); });
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_MATMUL_PLAN_H_
