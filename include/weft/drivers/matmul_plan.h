// How a product is computed: its tokens in tiles, and where everything lies in the workspace.
#ifndef WEFT_DRIVERS_MATMUL_PLAN_H_
#define WEFT_DRIVERS_MATMUL_PLAN_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/checked.h"
#include "weft/core/kernel_set.h"
#include "weft/core/strict_math.h"

namespace weft::driver {

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
    const size_t most = tile.tokens / tile.token_step;
    units = (count + step - 1) / step;
    tiles = (units + most - 1) / most;
    shorter = units / tiles;
    longer = units % tiles;
  }
  size_t Padded() const { return units * step; }
  // The first token of tile i; of the one after the last: Padded().
  size_t Begin(size_t i) const { return (i * shorter + (i < longer ? i : longer)) * step; }
};

// What the threads share while a product runs.
struct MatMulPlan {
  const MatMulArgs* args = nullptr;
  size_t tokens = 0;
  const FormatKernels* format = nullptr;
  const TileKernels* tile = nullptr;  // null: no panels
  ActivationView x;
  size_t matrices = 1;  // 2 with a gate
  TokenTiles tiles;
  const uint8_t* packed = nullptr;  // tokens, chunk by chunk, tile by tile

  // Rows that runs are cut by, and rows of a task.
  size_t StepRows() const { return tile != nullptr ? tile->rows : kDotStep; }
  size_t TaskRows() const { return tile != nullptr ? tile->rows : kDotRows; }
  // Tiles whose raw products a worker holds at once: a panel is decoded anew for every such run. Runs of nearly equal
  // length, none longer than the first number of tiles.
  size_t MostRunTiles() const { return (kRunTokens + tile->tokens - 1) / tile->tokens; }
  size_t RunTiles() const {
    const size_t runs = (tiles.tiles + MostRunTiles() - 1) / MostRunTiles();
    return (tiles.tiles + runs - 1) / runs;
  }
  // Tokens whose raw products a worker holds at once, at most: as many as the longest run has, though those of a
  // product with a few more tokens may be shorter, so that more tokens never need less.
  size_t RawTokens() const {
    if (tile == nullptr) return tokens < kPanelTokens ? tokens : kPanelTokens;
    const size_t most = MostRunTiles() * tile->tokens;
    return tiles.Padded() < most ? tiles.Padded() : most;
  }
  size_t Chunk() const { return args->w.cols < tile->chunk ? args->w.cols : tile->chunk; }
  size_t ChunkCols(size_t col) const { return args->w.cols - col < Chunk() ? args->w.cols - col : Chunk(); }
  // Packed tokens of tile i and columns from `col` on.
  size_t PackedAt(size_t col, size_t i) const {
    return tiles.Padded() * tile->token_bytes(col) + tiles.Begin(i) * tile->token_bytes(ChunkCols(col));
  }
  // Of one token for the kernels without panels; 0 where they take it as it is.
  size_t LaneBytes() const { return format->lane_bytes != nullptr ? format->lane_bytes(args->w.cols) : 0; }
  Checked PackedBytes() const {
    return tile != nullptr ? Checked(tiles.Padded()) * tile->token_bytes(args->w.cols) : Checked(tokens) * LaneBytes();
  }
  size_t PanelBytes() const { return tile != nullptr ? tile->panel_bytes(Chunk()) : 0; }
  Checked WorkerBytes() const {
    const Checked raw = Carver::Bytes<float>(RawTokens() * TaskRows()) * matrices;
    return (raw + Carver::Bytes<uint8_t>(PanelBytes())).AlignedUp(kLine);  // no cache line shared
  }

  // Tokens that a worker keeps sums of: 96 KiB of them with panels of 32 rows, beside the tokens' current chunk of
  // columns (512 to 680 bytes each) in a second-level cache.
  static constexpr size_t kRunTokens = 768;
  static constexpr size_t kLine = Carver::kAlign;
};

// `panels`: whether it is to be computed with panels, if its tokens are enough.
inline MatMulPlan PlanMatMul(const KernelSet& set, const MatMulArgs& args, size_t tokens, const FormatKernels& format,
                             bool panels) {
  const TileKernels* tile = panels && tokens >= kPanelTokens ? set.Find(format.panel) : nullptr;
  return {&args,
          tokens,
          &format,
          tile,
          args.x->built[static_cast<size_t>(format.form)],
          args.epilogue.gated() ? size_t{2} : size_t{1},
          tile != nullptr ? TokenTiles(*tile, tokens) : TokenTiles()};
}

// Sizes up to this are believed; sums of them stay far from the end of a size_t.
inline constexpr size_t kMostSize = size_t{1} << 40;

// One of several products that are computed together.
struct MatMulJob {
  MatMulPlan plan;
  size_t steps = 0, runs = 0;  // the rows in steps of StepRows(), and into how many runs these are cut
};

// Whether products of these weights lay out packed tokens the same way, with panels or without.
inline bool SameLayout(const KernelSet& set, const FormatKernels& a, const FormatKernels& b, bool panels) {
  return panels ? set.Find(a.panel) == set.Find(b.panel) && a.zero == b.zero : &a == &b;
}

// What a product takes of a workspace: packed tokens, and each worker's memory. Nothing if it computes nothing, or is
// none.
struct MatMulNeeds {
  Checked packed = 0, worker = 0;
};
inline MatMulNeeds NeedsOf(const KernelSet& set, const MatMulShape& shape, bool panels) {
  const FormatKernels* format = set.Find(shape.type);
  if (format == nullptr || shape.cols % format->block_elements != 0) return {};
  if (shape.rows == 0 || shape.cols == 0 || shape.tokens == 0 || (panels && shape.tokens < kPanelTokens)) return {};
  if (shape.tokens > kMostSize || shape.cols > kMostSize) return {SIZE_MAX, SIZE_MAX};
  ActivationSet x;
  MatMulArgs args;
  args.x = &x;
  args.w = MakeWeights(nullptr, shape.type, shape.rows, shape.cols);
  MatMulPlan plan = PlanMatMul(set, args, shape.tokens, *format, panels);
  plan.matrices = shape.gated ? 2 : 1;
  return {Carver::Bytes<uint8_t>(plan.PackedBytes()), plan.WorkerBytes()};
}

// The bytes that `count` products take; shape(i) is that of product i, and same_input(i, j) tells whether i and an
// earlier j pack the same tokens. Every product has room for both ways of computing it, so that a size for many tokens
// is enough for few, in whatever order they are summed. SIZE_MAX where that does not fit in a size_t, 0 where there is
// nothing to compute.
template <class ShapeAt, class SameInput>
size_t MatMulBytes(const KernelSet& set, size_t count, uint32_t workers, const ShapeAt& shape,
                   const SameInput& same_input) {
  Checked packed = 0;
  uint64_t worker = 0;
  size_t jobs = 0;
  for (size_t i = 0; i < count; ++i) {
    const MatMulShape one = shape(i);
    const MatMulNeeds dots = NeedsOf(set, one, false), panels = NeedsOf(set, one, true);
    if (dots.worker.OrMost() == 0) continue;
    ++jobs;
    bool dots_shared = false, panels_shared = false;
    for (size_t j = 0; j < i; ++j) {
      if (!same_input(i, j) || shape(j).rows == 0) continue;
      const FormatKernels &a = *set.Find(one.type), *b = set.Find(shape(j).type);
      if (b == nullptr) continue;
      dots_shared = dots_shared || SameLayout(set, a, *b, false);
      panels_shared = panels_shared || SameLayout(set, a, *b, true);
    }
    const uint64_t few = dots_shared ? 0 : dots.packed.OrMost(), many = panels_shared ? 0 : panels.packed.OrMost();
    packed = packed + (few > many ? few : many);
    for (const Checked& bytes : {dots.worker, panels.worker})
      worker = bytes.OrMost() > worker ? bytes.OrMost() : worker;
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
  return a.x == b.x && a.row_index == b.row_index && a.row_count == b.row_count && a.summation == b.summation;
}

inline size_t MatMulWorkspaceBytes(const KernelSet& set, const MatMulArgs* products, size_t count, uint32_t workers) {
  if (products == nullptr) return 0;
  return MatMulBytes(
      set, count, workers,
      [&](size_t i) {
        const MatMulArgs& args = products[i];
        const size_t tokens = args.x != nullptr ? args.tokens() : 0;
        return MatMulShape{args.w.type, args.w.rows, args.w.cols, tokens, args.epilogue.gated()};
      },
      [&](size_t i, size_t j) { return SameInput(products[i], products[j]); });
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_MATMUL_PLAN_H_
