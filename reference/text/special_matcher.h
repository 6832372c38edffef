// Finds tokens that stand for themselves (<s>, <|user|>, ...) in a text.
#ifndef WEFT_REFERENCE_TEXT_SPECIAL_MATCHER_H_
#define WEFT_REFERENCE_TEXT_SPECIAL_MATCHER_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "reference/text/token_automaton.h"
#include "reference/text/token_id.h"
#include "reference/text/vocabulary.h"

namespace weft::engine {

// A piece of a text: a special token, or the text between two of them.
struct TextFragment {
  std::string_view text;
  bool special = false;
  TokenId token = 0;  // where special
};

// A part of a text, in all of which control and unknown tokens are recognised or not.
struct TextRun {
  size_t end = 0;  // it begins where the one before it ends
  bool parse_special = false;
};

// However many tokens there are and however deep they nest, a text of n bytes takes memory in proportion to n and
// O(n log L log n) steps, L being the length of the longest token. Of the matches that end at one place only the
// longest that is still possible waits for its turn: at most n of them (2 n in a text of several runs, where those of
// user-defined tokens wait beside those of all). One that is found to reach into a match already
// taken gives way to the longest that begins behind that match. Since matches come longest first, what is in its way
// the next time is no shorter than itself and lies between the two, so every time the space that is left is less than
// half of what it was: at most 1 + log2 L times for each place.
class SpecialMatcher {
 public:
  SpecialMatcher() = default;
  explicit SpecialMatcher(const Vocabulary& vocabulary);

  // Cuts `text`; the fragments are not empty and follow each other without gaps. Where matches overlap, the longest
  // wins, then the one with the lowest id, then the leftmost. User-defined tokens always match, control and unknown
  // tokens only if `parse_special`. `steps`, if given, becomes the number of states, matches and places looked at.
  std::vector<TextFragment> Split(std::string_view text, bool parse_special, size_t* steps = nullptr) const {
    const TextRun all = {text.size(), parse_special};
    return Split(text, {&all, 1}, steps);
  }
  // The same, with control and unknown tokens only where they lie within one run that asks for them; the runs' ends are
  // in order, the last is the text's.
  std::vector<TextFragment> Split(std::string_view text, std::span<const TextRun> runs, size_t* steps = nullptr) const;

 private:
  TokenAutomaton user_defined_, all_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_SPECIAL_MATCHER_H_
