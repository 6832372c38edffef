// Ends a text at the first stop string.
#ifndef WEFT_REFERENCE_TEXT_STOP_FILTER_H_
#define WEFT_REFERENCE_TEXT_STOP_FILTER_H_

#include <string>
#include <string_view>
#include <vector>

namespace weft::engine {

// Passes a stream of text on, but holds back what may become a stop string. The first stop string (the one that is
// complete first; of those the one that began first) and everything after it is dropped.
class StopFilter {
 public:
  // Empty stop strings are ignored.
  explicit StopFilter(std::vector<std::string> stops);

  std::string Push(std::string_view text);  // what is sure to come before a stop string
  std::string Flush();                      // the rest, at the end
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;  // shorter than the longest stop string
  bool stopped_ = false;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_STOP_FILTER_H_
