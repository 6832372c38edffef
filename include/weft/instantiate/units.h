// How the instantiation units of a program find each other. Each unit holds, for every compiled target, one table of
// functions; the registry asks for the table of a row of the list of targets (target_list.h) by its index.
#ifndef WEFT_INSTANTIATE_UNITS_H_
#define WEFT_INSTANTIATE_UNITS_H_

#include <stddef.h>

#include "weft/core/kernel_set.h"
#include "weft/core/strict_math.h"

namespace weft::inline WEFT_NAMESPACE::units {

struct TileTable {
  const TileKernels* tiles;
  size_t count;
};

// Defined by the unit of each kind; null for a target that is not compiled in.
template <class Format>
const FormatKernels* FormatUnit(size_t row);  // specialised by format.inc, once per format
const TileTable* TileUnit(size_t row);
const OpKernels* OpUnit(size_t row);
const AttentionKernels* AttentionUnit(size_t row);

}  // namespace weft::inline WEFT_NAMESPACE::units

#endif  // WEFT_INSTANTIATE_UNITS_H_
