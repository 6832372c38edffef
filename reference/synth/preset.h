// Geometries of models that people run, as data: what a file's metadata would say.
#ifndef WEFT_REFERENCE_SYNTH_PRESET_H_
#define WEFT_REFERENCE_SYNTH_PRESET_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weft::engine {

struct Preset {
  using Value = std::variant<uint32_t, float, bool>;

  std::string name;
  std::string architecture;
  bool tied = true;                                 // the embedding is also the output
  std::vector<std::pair<std::string, Value>> keys;  // without the architecture's prefix

  // Changes a key, or adds it.
  void Set(std::string_view key, Value value);
};

const std::vector<Preset>& Presets();
// Null: there is none of that name.
const Preset* FindPreset(std::string_view name);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_SYNTH_PRESET_H_
