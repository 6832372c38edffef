// Which of the compiled targets (instruction sets) the kernels run on.
#ifndef WEFT_DISPATCH_TARGET_H_
#define WEFT_DISPATCH_TARGET_H_

#include <stddef.h>

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"

namespace weft {

struct TargetInfo {
  const char* name = "";   // SSE2, AVX2, AVX2_VNNI, AVX3_DL, AVX3_ZEN4, NEON, NEON_DOTPROD, NEON_BF16 or EMU128
  bool supported = false;  // by this CPU
  bool active = false;     // what calls use now
};

// The targets compiled into this program, best first.
size_t TargetCount();
TargetInfo GetTarget(size_t index);  // index < TargetCount()

// The name of the target in use: the best one the CPU supports, unless SetTarget chose another.
const char* ActiveTarget();

// Makes all later calls use the named target; null returns to the automatic choice. An unknown name, one that is not
// compiled in or that this CPU lacks gives kUnsupported and changes nothing. Process-wide; not during other calls.
Status SetTarget(const char* name);

// The kernels of the active target, for callers who do their own scheduling.
const KernelSet& ActiveKernels();

}  // namespace weft

#endif  // WEFT_DISPATCH_TARGET_H_
