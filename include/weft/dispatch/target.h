// Which of the compiled targets (instruction sets) the kernels run on.
#ifndef WEFT_DISPATCH_TARGET_H_
#define WEFT_DISPATCH_TARGET_H_

#include <stddef.h>

#include "weft/core/kernels.h"
#include "weft/core/status.h"

namespace weft::inline WEFT_NAMESPACE {

struct TargetInfo {
  const char* name = "";   // SSE2, AVX2, AVX2_VNNI, AVX3_DL, AVX3_ZEN4, NEON, NEON_DOTPROD, NEON_BF16 or EMU128
  bool supported = false;  // by this CPU
  bool active = false;     // what calls use now
};

// The targets compiled into this program, best first.
size_t TargetCount();
TargetInfo GetTarget(size_t index);  // index < TargetCount()

// The kernels of the named target; null for a name that is unknown, not compiled in, or that this CPU lacks.
const Kernels* FindKernels(const char* target);

// The kernels that calls use which name none: those of the best target the CPU supports, unless SetTarget chose others.
const Kernels& ActiveKernels();

// The name of a target.
const char* TargetOf(const Kernels& kernels);
const char* ActiveTarget();

// Makes all later calls use the named target; null returns to the automatic choice. An unknown name, one that is not
// compiled in or that this CPU lacks gives kUnsupported and changes nothing. Process-wide; not during other calls.
Status SetTarget(const char* name);

// The library that a program is linked with, made by weft_add_kernels. Every function of the library
//   f(arguments ..., kernels)
// computes with the kernels that come last, or, where they are left out, with the library's active ones. Its template
// argument is for programs with nothing to link (weft/static-inl.h): f<Static<Q8_0>>(arguments ...).
struct Linked {
  static const Kernels& Active() { return ActiveKernels(); }
};

}  // namespace weft::inline WEFT_NAMESPACE

#endif  // WEFT_DISPATCH_TARGET_H_
