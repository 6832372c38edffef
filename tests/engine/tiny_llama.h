// The smallest file that has everything a real one has: a Llama of one layer with a tokenizer and a metadata value of
// every type. The weights follow a fixed rule.
#ifndef WEFT_TESTS_ENGINE_TINY_LLAMA_H_
#define WEFT_TESTS_ENGINE_TINY_LLAMA_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/engine/gguf_writer.h"

namespace weft::engine::test {

// `n` numbers in [-0.5, 0.5), a different sequence for each seed.
inline std::vector<float> TinyWeights(size_t n, uint32_t seed) {
  std::vector<float> values(n);
  uint32_t state = seed * 2654435761u + 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
  }
  return values;
}

inline GgufWriter TinyLlama(uint32_t version = 3) {
  constexpr uint64_t kWidth = 32, kHidden = 64, kKeys = 16;
  GgufWriter writer(version);
  writer.SetAlignment(32).AddString("general.architecture", "llama").AddString("general.name", "tiny");
  writer.AddUint("llama.block_count", 1).AddUint("llama.context_length", 64);
  writer.AddUint("llama.embedding_length", kWidth).AddUint("llama.feed_forward_length", kHidden);
  writer.AddUint("llama.attention.head_count", 2).AddUint("llama.attention.head_count_kv", 1);
  writer.AddUint("llama.rope.dimension_count", 16).AddFloat("llama.rope.freq_base", 10000.0f);
  writer.AddFloat("llama.attention.layer_norm_rms_epsilon", 1e-5f);

  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int64_t> types = {2, 3, 3};  // unknown, control, control
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", byte);
    tokens.push_back(text);
    types.push_back(6);  // byte
  }
  for (const char* text : {"\xE2\x96\x81", "a", "b",
                           "\xE2\x96\x81"
                           "a",
                           "ab"}) {
    tokens.push_back(text);
    types.push_back(1);  // normal
  }
  std::vector<float> scores(tokens.size());
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = -static_cast<float>(i);
  writer.AddString("tokenizer.ggml.model", "llama").AddStrings("tokenizer.ggml.tokens", tokens);
  writer.AddFloats("tokenizer.ggml.scores", scores).AddInts("tokenizer.ggml.token_type", types);
  writer.AddUint("tokenizer.ggml.unknown_token_id", 0).AddUint("tokenizer.ggml.bos_token_id", 1);
  writer.AddUint("tokenizer.ggml.eos_token_id", 2).AddBool("tokenizer.ggml.add_bos_token", true);

  writer.AddUint("test.u8", 1, GgufType::kU8).AddInt("test.i8", -1, GgufType::kI8);
  writer.AddUint("test.u16", 1, GgufType::kU16).AddInt("test.i16", -1, GgufType::kI16).AddInt("test.i32", -1);
  writer.AddUint("test.u64", 1, GgufType::kU64).AddInt("test.i64", -1, GgufType::kI64).AddDouble("test.f64", 0.5);
  writer.AddInts("test.bools", {0, 1, 1}, GgufType::kBool).AddInts("test.i64s", {-1, 2}, GgufType::kI64);

  uint32_t seed = 0;
  const auto add = [&](const char* name, const std::vector<uint64_t>& shape) {
    size_t n = 1;
    for (const uint64_t size : shape) n *= size;
    writer.AddTensor(name, shape, TinyWeights(n, ++seed));
  };
  add("token_embd.weight", {kWidth, tokens.size()});
  add("blk.0.attn_norm.weight", {kWidth});
  add("blk.0.attn_q.weight", {kWidth, kWidth});
  add("blk.0.attn_k.weight", {kWidth, kKeys});
  add("blk.0.attn_v.weight", {kWidth, kKeys});
  // A block format too: a scale of 2^-7 (f16 0x2000) and 32 signed bytes per block.
  Bytes blocks;
  for (uint64_t row = 0; row < kWidth; ++row) {
    Append(blocks, 0x2000, 2);
    for (uint64_t i = 0; i < 32; ++i) blocks.push_back(static_cast<uint8_t>(37 * i + 11 * row));
  }
  writer.AddTensor("blk.0.attn_output.weight", {kWidth, kWidth}, DType::kQ8_0, blocks);
  add("blk.0.ffn_norm.weight", {kWidth});
  add("blk.0.ffn_gate.weight", {kWidth, kHidden});
  add("blk.0.ffn_up.weight", {kWidth, kHidden});
  add("blk.0.ffn_down.weight", {kHidden, kWidth});
  add("output_norm.weight", {kWidth});
  return writer;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_TINY_LLAMA_H_
