#include "reference/model/split.h"

#include <numeric>
#include <string>

namespace weft::engine {
namespace {

// A range of anything.
struct Range {
  size_t first = 0, count = 0;
  Range operator*(size_t size) const { return {first * size, count * size}; }
};

struct Shard {
  size_t index, count;

  // Its part of `total`, in multiples of `unit`, which divides it; empty where there are too few.
  Range Of(size_t total, size_t unit) const {
    const size_t units = total / unit, first = units * index / count, end = units * (index + 1) / count;
    return {first * unit, units < count ? 0 : (end - first) * unit};
  }
};

Linear Rows(Linear w, Range range) {
  w.weight = RowRange(w.weight, range.first, range.count);
  if (w.bias != nullptr) w.bias += range.first;
  return w;
}

// Whole blocks.
Linear Columns(Linear w, Range range, const Shard& shard) {
  w.weight.data = static_cast<const uint8_t*>(w.weight.data) + RowBytes(w.weight.type, range.first);
  w.weight.cols = range.count;
  if (shard.index != 0) w.bias = nullptr;
  return w;
}

size_t BlockOf(const Linear& w) { return LayoutOf(w.weight.type).block_elements; }

size_t BytesOf(const LayerWeights& w) {
  size_t bytes = 0;
  for (const Linear* linear : w.products())
    bytes += linear->weight.rows * RowBytes(linear->weight.type, linear->weight.cols);
  return bytes;
}

// The KV heads whose values fill whole blocks of the columns of the attention's output.
size_t HeadUnit(const LayerConfig& l, const LayerWeights& w) {
  const size_t columns = l.heads / l.kv_heads * l.v_size, block = BlockOf(w.attention_output);
  return block / std::gcd(columns, block);
}

bool SplitLayer(const Shard& shard, LayerConfig* config, LayerWeights* weights) {
  LayerConfig& l = *config;
  LayerWeights& w = *weights;
  const size_t sharing = l.heads / l.kv_heads;
  const Range kv_heads = shard.Of(l.kv_heads, HeadUnit(l, w)), hidden = shard.Of(l.ffn_width, BlockOf(w.down));
  if (kv_heads.count == 0 || hidden.count == 0) return false;
  const Range heads = kv_heads * sharing;

  w.q = Rows(w.q, heads * l.k_size);
  w.k = Rows(w.k, kv_heads * l.k_size);
  w.v = Rows(w.v, kv_heads * l.v_size);
  w.attention_output = Columns(w.attention_output, heads * l.v_size, shard);
  if (w.gated()) w.gate = Rows(w.gate, hidden);
  w.up = Rows(w.up, hidden);
  w.down = Columns(w.down, hidden, shard);
  l.heads = heads.count;
  l.kv_heads = kv_heads.count;
  l.ffn_width = hidden.count;
  return true;
}

}  // namespace

Result<Model> SplitModel(const Model& whole, size_t shard, size_t shards) {
  if (whole.shards != 1) return Error{ErrorKind::kBadArgument, "a shard of a model cannot be split again"};
  if (shard >= shards) {
    return Error{ErrorKind::kBadArgument,
                 "there is no shard " + std::to_string(shard) + " of " + std::to_string(shards)};
  }
  Model part = {.config = whole.config,
                .embedding = whole.embedding,
                .positions = whole.positions,
                .layers = whole.layers,
                .output_norm = whole.output_norm,
                .output = whole.output,
                .weight_bytes = whole.weight_bytes,
                .shards = shards,
                .owned = {}};
  for (size_t i = 0; i < part.layers.size(); ++i) {
    if (!SplitLayer({shard, shards}, &part.config.layers[i], &part.layers[i])) {
      return Error{ErrorKind::kBadArgument, "layer " + std::to_string(i) + " cannot be split into " +
                                                std::to_string(shards) +
                                                " parts: it has too few KV heads, or blocks in a row of weights"};
    }
    part.weight_bytes -= BytesOf(whole.layers[i]) - BytesOf(part.layers[i]);
  }
  return part;
}

}  // namespace weft::engine
