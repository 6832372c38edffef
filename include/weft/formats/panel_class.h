// Which panel layout, and so which tile kernel, serves a format.
#ifndef WEFT_FORMATS_PANEL_CLASS_H_
#define WEFT_FORMATS_PANEL_CLASS_H_

#include <bit>

#include "weft/core/kernel_set.h"
#include "weft/formats/format.h"

namespace weft {

template <class Format>
constexpr PanelClass PanelClassOf() {
  if constexpr (kIsFloat<Format>) {
    return {Format::kForm, 1, Offsets::kNone, 0};
  } else {
    // All formats of 256 elements with offsets store them as small integers under a common factor.
    constexpr Offsets kOffsets = !Format::kHasOffset                      ? Offsets::kNone
                                 : Format::kForm == ActivationForm::kA256 ? Offsets::kInteger
                                                                          : Offsets::kFloat;
    constexpr int kFromZero = Format::kMaxCode - Format::kZero;
    constexpr int kPeak = kFromZero > Format::kZero ? kFromZero : Format::kZero;
    return {Format::kForm, Format::kGroup, kOffsets, static_cast<uint8_t>(32767 / (2 * 127 * Format::kMaxCode)),
            static_cast<uint8_t>(1 + std::bit_width(static_cast<unsigned>(Format::kGroup * 127 * kPeak)))};
  }
}

}  // namespace weft

#endif  // WEFT_FORMATS_PANEL_CLASS_H_
