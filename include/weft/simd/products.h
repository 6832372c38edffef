// Whose instructions the integer products of kernels are made of.
#ifndef WEFT_SIMD_PRODUCTS_H_
#define WEFT_SIMD_PRODUCTS_H_

#include <stdint.h>

#include "weft/core/strict_math.h"

namespace weft {

// Some CPUs have dots that the Highway target they otherwise run lacks. For those, that target's code is compiled a
// second time with the dots put in: see weft/instantiate/target_list.h and simd/int8_dot-inl.h.
enum class Products : uint8_t {
  kTarget,   // those of the Highway target
  kAvxVnni,  // AVX-VNNI's vpdpbusd and vpdpwssd, in the code of AVX2
  kArmDot,   // Armv8.2's sdot, in the code of NEON
};

}  // namespace weft

#endif  // WEFT_SIMD_PRODUCTS_H_
