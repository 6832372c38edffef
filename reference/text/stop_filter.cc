#include "reference/text/stop_filter.h"

#include <algorithm>
#include <utility>

namespace weft::engine {

StopFilter::StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopFilter::Push(std::string_view text) {
  if (stopped_) return "";
  std::string ready = std::move(held_);
  held_.clear();
  ready += text;

  size_t end = std::string::npos, begin = 0;  // of the stop string
  for (const std::string& stop : stops_) {
    const size_t found = ready.find(stop);
    if (found == std::string::npos) continue;
    if (found + stop.size() < end || (found + stop.size() == end && found < begin)) {
      end = found + stop.size();
      begin = found;
    }
  }
  if (end != std::string::npos) {
    stopped_ = true;
    ready.resize(begin);
    return ready;
  }

  size_t held = 0;  // the longest end of `ready` that begins a stop string
  for (const std::string& stop : stops_) {
    for (size_t length = std::min(stop.size() - 1, ready.size()); length > held; --length) {
      if (ready.compare(ready.size() - length, length, stop, 0, length) == 0) held = length;
    }
  }
  held_ = ready.substr(ready.size() - held);
  ready.resize(ready.size() - held);
  return ready;
}

std::string StopFilter::Flush() { return std::exchange(held_, ""); }

}  // namespace weft::engine
