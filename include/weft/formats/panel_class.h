// Which panel layout, and so which tile kernel, serves a format.
#ifndef WEFT_FORMATS_PANEL_CLASS_H_
#define WEFT_FORMATS_PANEL_CLASS_H_

#include "weft/core/kernel_set.h"
#include "weft/formats/format.h"

namespace weft {

template <class Format>
constexpr PanelClass PanelClassOf() {
  if constexpr (kIsFloat<Format>) {
    return {Format::kForm, 1, false, false};
  } else {
    return {Format::kForm, Format::kGroup, Format::kHasOffset, Format::kMaxCode > 127};
  }
}

}  // namespace weft

#endif  // WEFT_FORMATS_PANEL_CLASS_H_
