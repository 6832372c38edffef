// Continues any number of texts together.
#ifndef WEFT_REFERENCE_GENERATION_GENERATOR_H_
#define WEFT_REFERENCE_GENERATION_GENERATOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reference/base/result.h"
#include "reference/model/kv_pool.h"
#include "reference/model/transformer.h"
#include "reference/sampling/sampler.h"
#include "reference/sampling/token_mask.h"

namespace weft::engine {

using GenerationId = uint64_t;  // never used twice by one Generator

enum class GenerationState : uint8_t {
  kPrompt,       // tokens of the prompt are left to be read
  kRunning,      // the next Step may give a token
  kEndOfText,    // ended by the token that it drew last
  kLength,       // has as many tokens as were asked for
  kContextFull,  // has no position left for the token that it drew last
  kStopped,      // by the caller
  kNoMemory,     // the pool was full, and no other generation was going to make room
  kFailed,       // the forward pass or the mask: GenerationInfo::error
};
constexpr bool HasEnded(GenerationState state) { return state > GenerationState::kRunning; }

struct GenerationRequest {
  std::span<const uint32_t> prompt;  // at least one token
  size_t context = 0;                // positions of prompt and answer, at most
  size_t max_tokens = SIZE_MAX;      // of the answer; 0: only the prompt is read
  SamplerOptions sampler;
  // Whether a token ends the text; empty: none does.
  std::function<bool(uint32_t token)> ends_text = {};
  // Asked before every token, with the answer so far: what may come next. Null, or empty: everything. What it returns
  // must live until it is asked again; it must not call the Generator.
  std::function<const TokenMask*(std::span<const uint32_t> answer)> mask = {};
  // Begins with what the prompt has in common with a text that this Generator has read already, instead of reading it
  // again.
  bool share_prefix = false;
};

// What a Step did for a generation that got a token or ended.
struct GeneratedToken {
  GenerationId id = 0;
  GenerationState state = GenerationState::kRunning;  // after it
  std::optional<uint32_t> token;                      // one that ends the text included; none: it ended without
  std::span<const float> logits;                      // that the token was drawn from; until the next Step
};

// How a generation is doing; until the Generator changes.
struct GenerationInfo {
  GenerationState state;
  std::span<const uint32_t> tokens;  // the prompt, then the answer
  size_t prompt_tokens;
  size_t read;                        // tokens whose keys and values are in the pool
  const Sampler& sampler;             // its candidates are what the last token was drawn from
  const std::optional<Error>& error;  // of kNoMemory and kFailed
};

// Each Step is one pass over the model: a token for every generation that has read its prompt, and beside them as much
// of the others' prompts as the batch holds, first come, first served; where those that run fill it, prompts wait.
// Generations may be added, stopped and removed between any two Steps. With Summation::kUniform, a generation has the
// tokens that it would have alone; where it shares what another has decoded, those of a text that goes on from there.
//
// Memory: a prompt is begun only when the pool has room for all of it. A generation that has ended keeps its keys and
// values for others to share until it is removed or the pool needs room; then the one that ended first goes first.
// Where generations wait for pages and none can go on, the last one that holds some ends with kNoMemory.
//
// Prints nothing, reads no clock, and belongs to one thread at a time.
class Generator {
 public:
  // `transformer` must outlive the object; its largest batch and number of logits limit a Step. Errors: a pool that was
  // made for another model.
  static Result<Generator> Create(Transformer& transformer, std::shared_ptr<KvPool> pool);
  Generator(Generator&& other) noexcept;
  Generator& operator=(Generator&& other) noexcept;
  ~Generator();

  // Errors (nothing changes): no prompt, tokens outside the vocabulary, a prompt that does not fit in the context or in
  // the whole pool.
  Result<GenerationId> Add(const GenerationRequest& request);
  // Ends a generation, or forgets it. Whether there was one: an id that is not known, or one that has ended, changes
  // nothing.
  bool Stop(GenerationId id);
  bool Remove(GenerationId id);

  // What happened, in no particular order; empty, where only prompts were read or idle(). The errors of one generation
  // end that one only.
  std::span<const GeneratedToken> Step();
  // All generations have ended.
  bool idle() const;
  std::optional<GenerationInfo> Find(GenerationId id) const;

 private:
  struct Generation;
  Generator(Transformer& transformer, std::shared_ptr<KvPool> pool);
  Generation* FindGeneration(GenerationId id) const;
  // The keys and values of the longest common beginning, or an empty sequence.
  Result<Sequence> Begin(const GenerationRequest& request) const;
  // Fills batch_ with what the next pass reads.
  void Choose();
  void Include(Generation& generation, size_t* reserved);
  // Whether there are `pages` free ones, if need be at the cost of those that have ended.
  bool MakeRoom(size_t pages);
  void EndLastOne();
  void Run();
  // After a pass that has read all of its tokens up to some place.
  void Advance(Generation& generation, std::span<const float> logits);
  void End(Generation& generation, GenerationState state, std::optional<Error> error = {});

  Transformer* transformer_;
  std::shared_ptr<KvPool> pool_;
  std::vector<std::unique_ptr<Generation>> generations_;  // in the order in which they came
  GenerationId next_id_ = 1;
  uint64_t ended_ = 0;  // how many have

  // Of the Step at hand.
  std::vector<Generation*> chosen_;
  std::vector<BatchItem> batch_;  // of chosen_
  std::vector<float> logits_;     // where they are not the transformer's
  std::vector<GeneratedToken> results_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_GENERATION_GENERATOR_H_
