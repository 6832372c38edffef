// Everything a caller needs: declarations only, no Highway behind it. Link with a library made by weft_add_kernels()
// (or with the .cc files that docs/quick_start.md shows).
#ifndef WEFT_WEFT_H_
#define WEFT_WEFT_H_

#include "weft/core/activations.h"
#include "weft/core/attention_args.h"
#include "weft/core/checked.h"
#include "weft/core/dtype.h"
#include "weft/core/executor.h"
#include "weft/core/half.h"
#include "weft/core/kernels.h"
#include "weft/core/matmul_args.h"
#include "weft/core/op_args.h"
#include "weft/core/status.h"
#include "weft/core/store_kv_args.h"
#include "weft/core/views.h"
#include "weft/dispatch/attention.h"
#include "weft/dispatch/formats.h"
#include "weft/dispatch/matmul.h"
#include "weft/dispatch/ops.h"
#include "weft/dispatch/target.h"
#include "weft/version.h"

#endif  // WEFT_WEFT_H_
