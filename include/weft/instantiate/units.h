// How the instantiation units of a program find each other. Each unit holds, for every compiled target, one table of
// functions; the registry asks for the table of a target by Highway's bit for it, or kAvx2Vnni.
#ifndef WEFT_INSTANTIATE_UNITS_H_
#define WEFT_INSTANTIATE_UNITS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/kernel_set.h"
#include "weft/core/strict_math.h"

namespace weft::inline WEFT_NAMESPACE::units {

// A table of one target; the last entry of a list has a null table.
template <class Table>
struct PerTarget {
  int64_t target;
  const Table* table;
};

template <class Table>
const Table* Select(const PerTarget<Table>* list, int64_t target) {
  for (; list->table != nullptr; ++list) {
    if (list->target == target) return list->table;
  }
  return nullptr;
}

struct TileTable {
  const TileKernels* tiles;
  size_t count;
};

// Defined by the unit of each kind; null for a target that is not compiled in.
template <class Format>
const FormatKernels* FormatUnit(int64_t target);  // specialised by format.inc, once per format
const TileTable* TileUnit(int64_t target);
const OpKernels* OpUnit(int64_t target);
const AttentionKernels* AttentionUnit(int64_t target);

}  // namespace weft::inline WEFT_NAMESPACE::units

#endif  // WEFT_INSTANTIATE_UNITS_H_
