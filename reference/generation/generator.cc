#include "reference/generation/generator.h"

#include <algorithm>
#include <utility>

namespace weft::engine {

struct Generator::Generation {
  GenerationId id;
  GenerationRequest request;  // without the prompt
  size_t prompt_tokens;
  std::vector<uint32_t> tokens;  // the prompt, then the answer
  Sequence sequence;             // has read the first of them
  Sampler sampler;
  GenerationState state = GenerationState::kPrompt;
  std::optional<Error> error;
  uint64_t ended = 0;  // its place among those that have ended

  std::span<const uint32_t> Unread() const { return std::span(tokens).subspan(sequence.length()); }
  std::span<const uint32_t> Answer() const { return std::span(tokens).subspan(prompt_tokens); }
};

Result<Generator> Generator::Create(Transformer& transformer, std::shared_ptr<KvPool> pool) {
  if (!pool->Fits(transformer.model().config))
    return Error{ErrorKind::kBadArgument, "the key/value cache was made for another model"};
  return Generator(transformer, std::move(pool));
}

Generator::Generator(Transformer& transformer, std::shared_ptr<KvPool> pool)
    : transformer_(&transformer), pool_(std::move(pool)) {}
Generator::Generator(Generator&& other) noexcept = default;
Generator& Generator::operator=(Generator&& other) noexcept = default;
Generator::~Generator() = default;

Result<GenerationId> Generator::Add(const GenerationRequest& request) {
  const size_t prompt = request.prompt.size(), vocabulary = transformer_->model().config.vocabulary;
  if (prompt == 0) return Error{ErrorKind::kBadArgument, "the prompt is empty"};
  for (const uint32_t token : request.prompt) {
    if (token < vocabulary) continue;
    return Error{ErrorKind::kBadArgument,
                 "token " + std::to_string(token) + " is outside the vocabulary of " + std::to_string(vocabulary)};
  }
  if (prompt > request.context) {
    return Error{ErrorKind::kBadArgument, "the prompt has " + std::to_string(prompt) + " tokens, the context " +
                                              std::to_string(request.context)};
  }
  if (KvPool::PagesFor(prompt) > pool_->pages()) {
    return Error{ErrorKind::kBadArgument, "the prompt has " + std::to_string(prompt) +
                                              " tokens, the key/value cache room for " +
                                              std::to_string(pool_->pages() * KvPool::kPageLength)};
  }
  Result<Sequence> sequence = Begin(request);
  if (!sequence.ok()) return sequence.error();
  auto generation = std::make_unique<Generation>(
      Generation{.id = next_id_,
                 .request = request,
                 .prompt_tokens = prompt,
                 .tokens = std::vector<uint32_t>(request.prompt.begin(), request.prompt.end()),
                 .sequence = *std::move(sequence),
                 .sampler = Sampler(request.sampler),
                 .error = {}});
  generation->request.prompt = {};
  for (const uint32_t token : generation->tokens) generation->sampler.Accept(token);
  generations_.push_back(std::move(generation));
  return next_id_++;
}

Result<Sequence> Generator::Begin(const GenerationRequest& request) const {
  const Generation* best = nullptr;
  size_t most = 0;
  if (request.share_prefix) {
    for (const auto& other : generations_) {
      // The prompt's last token is always read: its logits are needed.
      const size_t limit = std::min(other->sequence.length(), request.prompt.size() - 1);
      const auto [end, unused] = std::mismatch(
          request.prompt.begin(), request.prompt.begin() + static_cast<ptrdiff_t>(limit), other->tokens.begin());
      const auto common = static_cast<size_t>(end - request.prompt.begin());
      if (common > most) {
        best = other.get();
        most = common;
      }
    }
  }
  return best != nullptr ? best->sequence.Fork(most, request.context) : Sequence::Create(pool_, request.context);
}

Generator::Generation* Generator::FindGeneration(GenerationId id) const {
  const auto found = std::ranges::find_if(generations_, [id](const auto& generation) { return generation->id == id; });
  return found == generations_.end() ? nullptr : found->get();
}

bool Generator::Stop(GenerationId id) {
  Generation* const generation = FindGeneration(id);
  if (generation == nullptr || HasEnded(generation->state)) return false;
  generation->state = GenerationState::kStopped;
  generation->ended = ++ended_;
  return true;
}

bool Generator::Remove(GenerationId id) {
  return std::erase_if(generations_, [id](const auto& generation) { return generation->id == id; }) != 0;
}

bool Generator::idle() const {
  return std::ranges::all_of(generations_, [](const auto& generation) { return HasEnded(generation->state); });
}

std::optional<GenerationInfo> Generator::Find(GenerationId id) const {
  const Generation* const g = FindGeneration(id);
  if (g == nullptr) return std::nullopt;
  return GenerationInfo{.state = g->state,
                        .tokens = g->tokens,
                        .prompt_tokens = g->prompt_tokens,
                        .read = g->sequence.length(),
                        .sampler = g->sampler,
                        .error = g->error};
}

std::span<const GeneratedToken> Generator::Step() {
  results_.clear();
  for (Choose(); batch_.empty() && !idle(); Choose()) EndLastOne();
  if (!batch_.empty()) Run();
  return results_;
}

// First those that have read their prompts, then prompts, both in the order in which they came.
void Generator::Choose() {
  chosen_.clear();
  batch_.clear();
  size_t reserved = 0;
  for (const GenerationState state : {GenerationState::kRunning, GenerationState::kPrompt}) {
    for (const auto& generation : generations_) {
      if (generation->state == state) Include(*generation, &reserved);
    }
  }
}

// `reserved`: pages for those that came before, whole prompts counted.
void Generator::Include(Generation& generation, size_t* reserved) {
  size_t room = transformer_->max_batch();
  for (const BatchItem& item : batch_) room -= item.tokens.size();
  if (room == 0 || batch_.size() == transformer_->max_logits()) return;
  const std::span<const uint32_t> unread = generation.Unread();
  const size_t pages = generation.sequence.PagesToGrow(unread.size());
  if (!MakeRoom(*reserved + pages)) return;
  *reserved += pages;
  chosen_.push_back(&generation);
  batch_.push_back({.sequence = &generation.sequence,
                    .tokens = unread.first(std::min(unread.size(), room)),
                    .phase = generation.state == GenerationState::kPrompt ? Phase::kPrefill : Phase::kDecode});
}

bool Generator::MakeRoom(size_t pages) {
  while (pool_->free_pages() < pages) {
    Generation* first = nullptr;
    for (const auto& generation : generations_) {
      if (!HasEnded(generation->state) || generation->sequence.pages() == 0) continue;
      if (first == nullptr || generation->ended < first->ended) first = generation.get();
    }
    if (first == nullptr) return false;
    first->sequence.Clear();
  }
  return true;
}

// Of those that hold pages, if there is one.
void Generator::EndLastOne() {
  Generation* last = nullptr;
  for (const auto& generation : generations_) {
    if (HasEnded(generation->state)) continue;
    if (last == nullptr || last->sequence.pages() == 0 || generation->sequence.pages() > 0) last = generation.get();
  }
  End(*last, GenerationState::kNoMemory, Error{ErrorKind::kNoMemory, "the key/value cache is full"});
}

// Where the pass for all fails, each has one of its own, to find out whose fault it is.
void Generator::Run() {
  const size_t vocabulary = transformer_->model().config.vocabulary;
  const auto all = transformer_->Forward(batch_);
  if (all.ok()) {
    for (size_t i = 0; i < chosen_.size(); ++i) Advance(*chosen_[i], all->subspan(i * vocabulary, vocabulary));
    return;
  }
  if (chosen_.size() == 1) return End(*chosen_[0], GenerationState::kFailed, all.error());
  logits_.resize(chosen_.size() * vocabulary);
  for (size_t i = 0; i < chosen_.size(); ++i) {
    const auto one = transformer_->Forward({&batch_[i], 1});
    if (!one.ok()) {
      End(*chosen_[i], GenerationState::kFailed, one.error());
      continue;
    }
    float* const kept = &logits_[i * vocabulary];
    std::ranges::copy(*one, kept);
    Advance(*chosen_[i], {kept, vocabulary});
  }
}

void Generator::Advance(Generation& g, std::span<const float> logits) {
  if (!g.Unread().empty()) return;
  if (g.request.max_tokens == 0) return End(g, GenerationState::kLength);
  const TokenMask* const mask = g.request.mask ? g.request.mask(g.Answer()) : nullptr;
  if (const Result<void> set = g.sampler.SetLogits(logits, mask); !set.ok()) {
    return End(g, GenerationState::kFailed, set.error());
  }
  const uint32_t token = g.sampler.Draw();
  g.tokens.push_back(token);
  if (g.request.ends_text && g.request.ends_text(token)) {
    g.state = GenerationState::kEndOfText;
  } else if (g.Answer().size() == g.request.max_tokens) {
    g.state = GenerationState::kLength;
  } else if (g.sequence.length() == g.sequence.context()) {
    g.state = GenerationState::kContextFull;
  } else {
    g.state = GenerationState::kRunning;
  }
  if (HasEnded(g.state)) g.ended = ++ended_;
  results_.push_back({.id = g.id, .state = g.state, .token = token, .logits = logits});
}

// Without a token. What failed, or is ended for its memory, keeps none.
void Generator::End(Generation& g, GenerationState state, std::optional<Error> error) {
  g.state = state;
  g.error = std::move(error);
  g.ended = ++ended_;
  if (state != GenerationState::kLength) g.sequence.Clear();
  results_.push_back({.id = g.id, .state = state, .token = std::nullopt, .logits = {}});
}

}  // namespace weft::engine
