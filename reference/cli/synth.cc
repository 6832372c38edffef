#include "reference/synth/synth.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "reference/cli/commands.h"
#include "reference/cli/files.h"

namespace weft::engine::cli {
namespace {

struct Options {
  std::string preset, type, output;
  uint64_t seed = 0;
};

std::string PresetNames() {
  std::string names;
  for (const Preset& preset : Presets()) names += (names.empty() ? "" : ", ") + preset.name;
  return names;
}

int Synth(const Options& options) {
  const Preset* preset = FindPreset(options.preset);
  if (preset == nullptr) {
    return Fail(fmt::format("PRESET: there is no '{}'; there are: {}", options.preset, PresetNames()), kUsage);
  }
  const std::optional<Mix> mix = FindMix(options.type);
  if (!mix) return Fail(fmt::format("TYPE: there is no '{}'; there are: {}", options.type, MixNames()), kUsage);

  auto output = OutputFile::Create(options.output);
  if (!output.ok()) return StatusOf(output.error());
  const auto sink = [&](std::span<const uint8_t> bytes) { return output->Write(bytes); };
  const auto note = [](const std::string& text) { fmt::print(stderr, "weft: note: {}\n", text); };
  const Result<void> written = Synthesize(*preset, *mix, options.seed, sink, note);
  return StatusOf(written.ok() ? output->Commit() : written);
}

}  // namespace

void AddSynth(CLI::App& app, Action* action) {
  CLI::App* command =
      app.add_subcommand("synth", "Write a model of a known geometry with random weights, for measuring");
  const auto options = std::make_shared<Options>();
  command->add_option("PRESET", options->preset, "The geometry: " + PresetNames())->required();
  command->add_option("TYPE", options->type, "The format of its matrices, or a mix: " + MixNames())->required();
  command
      ->add_option("OUT", options->output,
                   "The GGUF file to write, which appears when it is complete; -: standard output")
      ->required();
  command->add_option("--seed", options->seed, "The same seed gives the same file")
      ->type_name("S")
      ->check(WholeNumber())
      ->capture_default_str();
  command->footer(
      "The file has no tokenizer: 'weft bench' and 'weft logits' run it. Norms, biases and learned positions are F32; "
      "a\n"
      "matrix whose rows are no multiple of a format's block gets another format, which a note tells. Q4_K_M: Q6_K "
      "for\n"
      "attn_v and ffn_down in half of the layers, and for the output. Q4_K_S: Q6_K for the output.");
  command->callback([=] { *action = [options] { return Synth(*options); }; });
}

}  // namespace weft::engine::cli
