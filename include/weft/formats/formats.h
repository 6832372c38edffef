// All formats: their structs, constants and scalar reference.
#ifndef WEFT_FORMATS_FORMATS_H_
#define WEFT_FORMATS_FORMATS_H_

#include <stddef.h>

#include <utility>

#include "weft/formats/format.h"

#define WEFT_FORMAT_TEXT_(path) #path
// Spaces here would end up in the path.
// clang-format off
#define WEFT_FORMAT_FILE(name) WEFT_FORMAT_TEXT_(weft/formats/name.h)
// clang-format on
#include "weft/formats/list.inc"  // IWYU pragma: export
#undef WEFT_FORMAT_FILE
#undef WEFT_FORMAT_TEXT_

namespace weft {

template <DType type>
concept KnownFormat = requires {
  typename FormatOf<type>::type;
};

// Calls f.template operator()<Format>() for every format, in the order of the GGUF ids.
//   ForEachFormat([]<class Format>() { Check(Name(Format::kType)); });
template <class F>
constexpr void ForEachFormat(F&& f) {
  const auto visit = [&f]<size_t id>() {
    constexpr DType type = static_cast<DType>(id);
    if constexpr (KnownFormat<type>) f.template operator()<typename FormatOf<type>::type>();
  };
  [&visit]<size_t... ids>(std::index_sequence<ids...>) { (visit.template operator()<ids>(), ...); }
  (std::make_index_sequence<kDTypeEnd>());
}

}  // namespace weft

#endif  // WEFT_FORMATS_FORMATS_H_
