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
  const ProductKernels* format = nullptr;
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
  Checked Bytes(uint32_t workers) const {
    return Carver::Bytes<uint8_t>(PackedBytes()) + Carver::Bytes<uint8_t>(WorkerBytes() * workers);
  }

  // Tokens that a worker keeps sums of: 96 KiB of them with panels of 32 rows, beside the tokens' current chunk of
  // columns (512 to 680 bytes each) in a second-level cache.
  static constexpr size_t kRunTokens = 768;
  static constexpr size_t kLine = Carver::kAlign;
};

// `panels`: whether it is to be computed with panels, if its tokens are enough.
inline MatMulPlan PlanMatMul(const KernelSet& set, const MatMulArgs& args, size_t tokens, const FormatKernels& format,
                             bool panels) {
  const ProductKernels& product = format.Product(args.precision);
  const TileKernels* tile = panels && tokens >= kPanelTokens ? set.Find(product.panel) : nullptr;
  return {&args,
          tokens,
          &product,
          tile,
          args.x->built[static_cast<size_t>(product.form)],
          args.epilogue.gate != nullptr ? size_t{2} : size_t{1},
          tile != nullptr ? TokenTiles(*tile, tokens) : TokenTiles()};
}

// Sizes up to this are believed; sums of them stay far from the end of a size_t.
inline constexpr size_t kMostSize = size_t{1} << 40;

// Room for both ways of computing the product, so that a size for many tokens is enough for few, in whatever order they
// are summed. SIZE_MAX where that does not fit in a size_t, 0 where the arguments are no product.
inline size_t MatMulWorkspaceBytes(const KernelSet& set, const MatMulArgs& args, uint32_t workers) {
  const FormatKernels* format = set.Find(args.w.type);
  if (format == nullptr || args.x == nullptr || args.w.cols % format->block_elements != 0) return 0;
  const size_t tokens = args.row_count != 0 ? args.row_count : args.x->rows;
  if (tokens == 0 || args.w.cols == 0) return 0;
  if (tokens > kMostSize || args.w.cols > kMostSize) return SIZE_MAX;
  const uint64_t few = PlanMatMul(set, args, tokens, *format, false).Bytes(workers).OrMost();
  if (tokens < kPanelTokens) return static_cast<size_t>(few);
  const uint64_t many = PlanMatMul(set, args, tokens, *format, true).Bytes(workers).OrMost();
  return static_cast<size_t>(few > many ? few : many);
}

inline size_t MatMulWorkspaceBytes(const KernelSet& set, const MatMulArgs* products, size_t count, uint32_t workers) {
  if (products == nullptr) return 0;
  Checked bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes = bytes + MatMulWorkspaceBytes(set, products[i], workers);
  return static_cast<size_t>(bytes.OrMost());
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_MATMUL_PLAN_H_
