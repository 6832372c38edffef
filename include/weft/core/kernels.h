// The kernels of one target (instruction set), as a handle.
#ifndef WEFT_CORE_KERNELS_H_
#define WEFT_CORE_KERNELS_H_

#include "weft/core/config.h"

namespace weft {

// Opaque to callers, who pass it on by reference: ActiveKernels(), FindKernels("AVX2"), or those of a Static. It lives
// as long as the program, and any number of threads may use it. (core/kernel_set.h has what is behind it.)
struct KernelSet;
using Kernels = KernelSet;

}  // namespace weft

#endif  // WEFT_CORE_KERNELS_H_
