// The different panel classes among all formats: what tile kernels are compiled for.
#ifndef WEFT_FORMATS_PANEL_CLASSES_H_
#define WEFT_FORMATS_PANEL_CLASSES_H_

#include <stddef.h>

#include "weft/core/kernel_set.h"
#include "weft/formats/formats.h"
#include "weft/formats/panel_class.h"

namespace weft {

struct PanelClassList {
  PanelClass list[kDTypeEnd] = {};
  size_t count = 0;

  constexpr void Add(PanelClass panel) {
    for (size_t i = 0; i < count; ++i) {
      if (list[i] == panel) return;
    }
    list[count++] = panel;
  }
};

inline constexpr PanelClassList kPanelClasses = [] {
  PanelClassList classes;
  ForEachFormat([&classes]<class Format>() { classes.Add(PanelClassOf<Format>()); });
  return classes;
}();

}  // namespace weft

#endif  // WEFT_FORMATS_PANEL_CLASSES_H_
