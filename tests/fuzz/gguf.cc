// The input is a GGUF file: everything that the engine would do with it. What is looked for:
// tests/engine/gguf_examine.h.
#include "tests/engine/gguf_examine.h"
#include "tests/fuzz/input.h"

namespace weft::fuzz {
namespace {

using engine::Gguf;
using engine::Result;

// The getters with a fallback: what the getters without say of a key that is there, the fallback for one that is not.
void Fallbacks(const Gguf& file) {
  for (const auto& [key, value] : file.values()) {
    Expect(file.GetUintOr(key, 7).ok() == file.GetUint(key).ok(), "GetUintOr and GetUint differ");
    Expect(file.GetFloatOr(key, 7).ok() == file.GetFloat(key).ok(), "GetFloatOr and GetFloat differ");
    Expect(file.GetStringOr(key, "x").ok() == file.GetString(key).ok(), "GetStringOr and GetString differ");
  }
  const std::string absent(256, '\x01');
  if (file.Find(absent) != nullptr) return;
  const auto number = file.GetUintOr(absent, 7);
  Expect(number.ok() && *number == 7 && !file.GetUint(absent).ok(), "an absent key has a value");
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const weft::engine::test::Examination examination({data, size});
  weft::fuzz::Expect(examination.defect.empty(), examination.defect);
  const auto file = weft::engine::Gguf::Parse({data, size}, "fuzzed.gguf");
  if (file.ok()) weft::fuzz::Fallbacks(*file);
  return 0;
}
