// The normative reference: all of it.
#ifndef WEFT_SCALAR_SCALAR_H_
#define WEFT_SCALAR_SCALAR_H_

#include "weft/scalar/activations.h"
#include "weft/scalar/attention.h"
#include "weft/scalar/decode.h"
#include "weft/scalar/matmul.h"
#include "weft/scalar/ops.h"
#include "weft/scalar/store_kv.h"

#endif  // WEFT_SCALAR_SCALAR_H_
