// Models of a given geometry with random weights, for measuring.
#ifndef WEFT_REFERENCE_SYNTH_SYNTH_H_
#define WEFT_REFERENCE_SYNTH_SYNTH_H_

#include <cstdint>
#include <functional>
#include <string>

#include "reference/base/result.h"
#include "reference/gguf/gguf_writer.h"
#include "reference/model/config.h"
#include "reference/synth/mix.h"
#include "reference/synth/preset.h"

namespace weft::engine {

// What the engine makes of the preset's keys. Errors: keys that make no model.
Result<ModelConfig> ConfigOf(const Preset& preset);

// Writes a GGUF file of the preset's geometry, without a tokenizer, to `sink`. Matrices are normal with a deviation of
// 1 / sqrt(inputs), so that activations keep their size; they are put together at random from a pool of blocks for each
// format and row length, because encoding billions of numbers would take hours. Norms are near 1 and biases small, in
// F32. The same seed gives the same file. `note` is told in a sentence where a row is no multiple of a format's block
// and the tensor got another format. Errors: keys that make no model, and those of the sink.
Result<void> Synthesize(const Preset& preset, const Mix& mix, uint64_t seed, const GgufWriter::Sink& sink,
                        const std::function<void(const std::string&)>& note = {});

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_SYNTH_SYNTH_H_
