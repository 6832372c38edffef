// Conversion between weight formats and floats.
#ifndef WEFT_DISPATCH_FORMATS_H_
#define WEFT_DISPATCH_FORMATS_H_

#include <stddef.h>

#include "weft/core/executor.h"
#include "weft/core/matmul_args.h"
#include "weft/core/status.h"

namespace weft {

// Whether kernels for the format are compiled in.
bool HasFormat(DType type);

// y[0, n) = the n elements of `blocks`, n a multiple of the block size. Bit for bit what GGUF's reference decodes, on
// every target.
Status Dequantize(DType type, const void* blocks, float* y, size_t n);

// Encodes x[0, n) to blocks, n a multiple of the block size. Formats with blocks of less than 256 elements: bit for bit
// what GGUF's reference encodes. The others search for good scales in a way of weft's own.
Status Quantize(DType type, const float* x, void* blocks, size_t n);

// y[i, :] = scale * row ids[i] of w. See GetRowsArgs.
Status Validate(const GetRowsArgs& args);
Status GetRows(const GetRowsArgs& args, const Executor& executor = {});

}  // namespace weft

#endif  // WEFT_DISPATCH_FORMATS_H_
