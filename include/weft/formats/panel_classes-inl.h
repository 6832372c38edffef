// The different panel classes among all formats: what tile kernels are compiled for.

#if defined(WEFT_FORMATS_PANEL_CLASSES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_PANEL_CLASSES_INL_H_
#undef WEFT_FORMATS_PANEL_CLASSES_INL_H_
#else
#define WEFT_FORMATS_PANEL_CLASSES_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/formats.h"
#include "weft/formats/panel_class-inl.h"

namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

struct PanelClassList {
  PanelClass list[kDTypeEnd * kPrecisions] = {};
  size_t count = 0;

  constexpr void Add(PanelClass panel) {
    for (size_t i = 0; i < count; ++i) {
      if (list[i] == panel) return;
    }
    list[count++] = panel;
  }
  template <class Format, Products kProducts>
  constexpr void AddFormat() {
    Add(PanelClassOf<Format, FormOf<Format>(Precision::kFast), kProducts>());
    Add(PanelClassOf<Format, FormOf<Format>(Precision::kFine), kProducts>());
  }
};

template <Products kProducts>
inline constexpr PanelClassList kPanelClasses = [] {
  PanelClassList classes;
  ForEachFormat([&classes]<class Format>() { classes.template AddFormat<Format, kProducts>(); });
  return classes;
}();

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE

#endif  // toggle
