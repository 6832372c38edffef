// Bad files by the thousand, made from good ones: cut, flipped and absurd. Each must be refused with a sentence or be
// consistent, and then load and run or be refused with a sentence. The generator is seeded, so every run is the same.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "reference/gguf/mapped_file.h"
#include "tests/engine/gguf_examine.h"
#include "tests/engine/guarded_bytes.h"
#include "tests/engine/test_data.h"
#include "tests/engine/tiny_llama.h"

namespace weft::engine::test {
namespace {

// What became of the cases of one kind.
struct Tally {
  size_t cases = 0, refused_by_parse = 0, refused_by_model = 0, ran = 0;

  void Count(const Examination& examination) {
    ++cases;
    ++(!examination.parsed ? refused_by_parse : examination.has_model ? ran : refused_by_model);
  }
  void Print(const std::string& what) const {
    std::printf("hostile GGUF files, %s: %zu cases, %zu refused by the reader, %zu by the model loader, %zu ran\n",
                what.c_str(), cases, refused_by_parse, refused_by_model, ran);
  }
};

void Check(const Examination& examination, const std::string& which, Tally* tally) {
  CHECK_MESSAGE(examination.defect.empty(), which << ": " << examination.defect);
  if (!examination.parsed) CHECK_MESSAGE(!examination.message.empty(), which << " was refused without a word");
  tally->Count(examination);
}

// The first `size` bytes, ending at the guard page.
Examination ExamineCut(std::span<const uint8_t> file, size_t size) {
  const GuardedBytes cut(file.first(size));
  return Examination(cut.bytes());
}

// A number in [0, end), the same on every platform (std::uniform_int_distribution is not).
size_t Pick(std::mt19937_64& random, size_t end) { return static_cast<size_t>(random() % end); }

Tally FlipBits(std::span<uint8_t> file, size_t header, size_t cases, uint64_t seed, const std::string& name) {
  Tally tally;
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < cases; ++i) {
    const size_t position = Pick(random, header), bit = Pick(random, 8);
    file[position] = static_cast<uint8_t>(file[position] ^ (1u << bit));
    Check(Examination(file), name + ", bit " + std::to_string(bit) + " of byte " + std::to_string(position), &tally);
    file[position] = static_cast<uint8_t>(file[position] ^ (1u << bit));
  }
  return tally;
}

// What absurd fields hold: the edges of the integer types, what wraps when multiplied by an element's size, small
// numbers, and the neighbours of what was there.
std::vector<uint64_t> AbsurdValues(uint64_t original) {
  std::vector<uint64_t> values = {original - 1, original + 1, original * 2, original << 32, ~original};
  for (uint64_t small = 0; small <= 13; ++small) values.push_back(small);
  for (const int bit : {7, 8, 15, 16, 24, 31, 32, 42, 60, 61, 62, 63}) {
    for (const uint64_t delta : {~uint64_t{0}, uint64_t{0}, uint64_t{1}})
      values.push_back((uint64_t{1} << bit) + delta);
  }
  for (const uint64_t below : {1, 2, 7, 8, 15, 16, 31, 32}) values.push_back(uint64_t{0} - below);
  return values;
}

uint64_t ValueOf(std::span<const uint8_t> file, const GgufField& field) {
  uint64_t value = 0;
  for (size_t i = field.width; i-- > 0;) value = value << 8 | file[field.position + i];
  return value;
}

// Where the tensor data of a good file begin: all before is header.
size_t HeaderBytes(std::span<const uint8_t> file) {
  const Result<Gguf> parsed = Gguf::Parse(file, "good.gguf");
  REQUIRE_MESSAGE(parsed.ok(), parsed.error().message);
  size_t header = file.size();
  for (const GgufTensor& tensor : parsed->tensors()) {
    header = std::min(header, static_cast<size_t>(tensor.data - file.data()));
  }
  return header;
}

// The good file, checked to be one: what is made from it would prove nothing otherwise.
Bytes GoodBytes(GgufWriter& writer) {
  Bytes file = writer.Finish();
  const GuardedBytes guarded(file);
  const Examination good(guarded.bytes());
  REQUIRE_MESSAGE(good.defect.empty(), good.defect);
  REQUIRE_MESSAGE(good.message.empty(), good.message);
  REQUIRE(good.has_model);
  REQUIRE(good.has_tokenizer);
  return file;
}

}  // namespace

TEST_CASE("generated GGUF: cut at every byte of the header, and in the data") {
  for (const uint32_t version : {2u, 3u}) {
    GgufWriter writer = TinyLlama(version);
    const Bytes file = writer.Finish();
    Tally tally;
    size_t accepted = 0;
    const auto cut = [&](size_t size) {
      const Examination examination = ExamineCut(file, size);
      Check(examination, "cut to " + std::to_string(size) + " bytes", &tally);
      accepted += examination.parsed;
    };
    for (size_t size = 0; size <= writer.data_begin(); ++size) cut(size);
    std::mt19937_64 random(version);
    for (int i = 0; i < 200; ++i) cut(writer.data_begin() + Pick(random, file.size() - writer.data_begin()));
    cut(file.size() - 1);
    CHECK(accepted == 0);
    tally.Print("cut, version " + std::to_string(version));
  }
}

TEST_CASE("generated GGUF: single bits flipped in the header") {
  GgufWriter writer = TinyLlama();
  const GuardedBytes file(GoodBytes(writer));
  const Tally tally = FlipBits(file.bytes(), writer.header_bytes(), 3000, 1, "tiny");
  tally.Print("one bit flipped");
  CHECK(tally.refused_by_parse > 0);
  CHECK(tally.refused_by_model > 0);
  CHECK(tally.ran > 0);
}

TEST_CASE("generated GGUF: several bytes of the header replaced") {
  GgufWriter writer = TinyLlama();
  const GuardedBytes file(GoodBytes(writer));
  const Bytes original(file.bytes().begin(), file.bytes().end());
  std::mt19937_64 random(2);
  Tally tally;
  for (int i = 0; i < 1000; ++i) {
    const size_t position = Pick(random, writer.header_bytes()), count = 1 + Pick(random, 16);
    const size_t end = std::min(position + count, writer.header_bytes());
    for (size_t at = position; at < end; ++at) file.bytes()[at] = static_cast<uint8_t>(random());
    Check(Examination(file.bytes()), "case " + std::to_string(i), &tally);
    std::copy(original.begin(), original.end(), file.bytes().begin());
  }
  tally.Print("several bytes replaced");
  CHECK(tally.refused_by_parse > 0);
}

TEST_CASE("generated GGUF: absurd numbers in every field") {
  GgufWriter writer = TinyLlama();
  const GuardedBytes file(GoodBytes(writer));
  Tally tally;
  for (const GgufField& field : writer.fields()) {
    // One token's length stands for all 264.
    const bool token = field.label.starts_with("tokenizer.ggml.tokens[");
    if (token && !field.label.starts_with("tokenizer.ggml.tokens[7]")) continue;
    const uint64_t original = ValueOf(file.bytes(), field);
    Bytes changed(file.bytes().begin() + static_cast<std::ptrdiff_t>(field.position),
                  file.bytes().begin() + static_cast<std::ptrdiff_t>(field.position + field.width));
    for (const uint64_t value : AbsurdValues(original)) {
      for (size_t i = 0; i < field.width; ++i) {
        file.bytes()[field.position + i] = static_cast<uint8_t>(value >> (8 * i));
      }
      Check(Examination(file.bytes()), field.label + " = " + std::to_string(value), &tally);
    }
    std::copy(changed.begin(), changed.end(), file.bytes().begin() + static_cast<std::ptrdiff_t>(field.position));
  }
  tally.Print("absurd fields");
  CHECK(tally.refused_by_parse > 0);
  CHECK(tally.refused_by_model > 0);
}

TEST_CASE("generated GGUF: two tensor fields absurd at once, so that one may undo the other") {
  GgufWriter writer = TinyLlama();
  const GuardedBytes file(GoodBytes(writer));
  const Bytes original(file.bytes().begin(), file.bytes().end());
  std::vector<GgufField> fields;
  for (const GgufField& field : writer.fields()) {
    if (field.label.find(".weight ") != std::string::npos) fields.push_back(field);
  }
  REQUIRE(fields.size() > 50);
  std::mt19937_64 random(3);
  Tally tally;
  for (int i = 0; i < 2000; ++i) {
    const size_t first = Pick(random, fields.size() - 1);
    for (const size_t index : {first, first + 1}) {
      const std::vector<uint64_t> values = AbsurdValues(ValueOf(original, fields[index]));
      const uint64_t value = values[Pick(random, values.size())];
      for (size_t byte = 0; byte < fields[index].width; ++byte) {
        file.bytes()[fields[index].position + byte] = static_cast<uint8_t>(value >> (8 * byte));
      }
    }
    Check(Examination(file.bytes()), "case " + std::to_string(i) + ", from " + fields[first].label, &tally);
    std::copy(original.begin(), original.end(), file.bytes().begin());
  }
  tally.Print("two absurd tensor fields");
  CHECK(tally.refused_by_parse > 0);
}

TEST_CASE("generated GGUF: real files, cut and flipped") {
  for (const char* folder : {"stories260K", "archs", "quant"}) {
    const auto path = SharedData(folder);
    if (!path) continue;
    Tally cuts, flips;
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*path)) {
      if (entry.path().extension() != ".gguf") continue;
      ++files;
      const std::string name = entry.path().filename().string();
      const Result<MappedFile> mapped = MappedFile::Open(entry.path().string());
      REQUIRE_MESSAGE(mapped.ok(), mapped.error().message);
      const size_t header = HeaderBytes(mapped->bytes());
      for (size_t size = 0; size <= header; ++size) {
        const Examination examination = ExamineCut(mapped->bytes(), size);
        Check(examination, name + " cut to " + std::to_string(size) + " bytes", &cuts);
        CHECK(!examination.parsed);
      }
      const GuardedBytes file(mapped->bytes());
      const Tally flipped = FlipBits(file.bytes(), header, 60, files, name);
      flips.cases += flipped.cases;
      flips.refused_by_parse += flipped.refused_by_parse;
      flips.refused_by_model += flipped.refused_by_model;
      flips.ran += flipped.ran;
    }
    REQUIRE(files > 0);
    cuts.Print(std::string(folder) + " cut");
    flips.Print(std::string(folder) + " with one bit flipped");
  }
}

}  // namespace weft::engine::test
