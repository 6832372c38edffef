// Conversion between weight formats and floats.
#ifndef WEFT_DISPATCH_FORMATS_H_
#define WEFT_DISPATCH_FORMATS_H_

#include <stddef.h>

#include "weft/core/executor.h"
#include "weft/core/matmul_args.h"
#include "weft/core/status.h"
#include "weft/dispatch/target.h"

namespace weft::inline WEFT_NAMESPACE {

// Whether kernels for the format are compiled in.
template <class Library = Linked>
bool HasFormat(DType type, const Kernels& kernels = Library::Active());

// y[0, n) = the n elements of `blocks`, n a multiple of the block size (0: nothing is read or written). Bit for bit
// what GGUF's reference decodes, on every target and for any number of threads. `blocks` may have any alignment;
// exactly n elements' blocks are read and n floats written. y must not overlap them. Allocates nothing. Several threads
// may call this at once, for different y (and with executors that allow it).
template <class Library = Linked>
Status Dequantize(DType type, const void* blocks, float* y, size_t n, const Executor& executor = {},
                  const Kernels& kernels = Library::Active());

// Encodes x[0, n) to blocks, n a multiple of the block size (0: nothing is read or written): the same bits on every
// target, with every compiler and for any number of threads. Reads, writes, alignment, aliasing and threads as for
// Dequantize.
//   F32, F16, BF16    to nearest, ties to even; NaN stays NaN
//   blocks of 32      bit for bit what GGUF's reference encodes, for infinities and NaNs too
//   blocks of 256     a search of weft's own for the least squared error (formats/encode_search.h), never worse than
//                     GGUF's reference on any row tried; what it does with any input:
//                     values beyond the range of the format (65504 * its largest integers) become its largest;
//                     blocks too small for it (f16 scales are multiples of 2^-24) what it can express, maybe zeros;
//                     a block with an infinity or a NaN decodes to NaNs only
// Speed: some 40 million (Q4_K) or 80 million (Q6_K) weights per second and thread; docs/performance.md.
template <class Library = Linked>
Status Quantize(DType type, const float* x, void* blocks, size_t n, const Executor& executor = {},
                const Kernels& kernels = Library::Active());

// y[i, :] = scale * row ids[i] of w. See GetRowsArgs.
template <class Library = Linked>
Status Validate(const GetRowsArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status GetRows(const GetRowsArgs& args, const Executor& executor = {}, const Kernels& kernels = Library::Active());

}  // namespace weft::inline WEFT_NAMESPACE

#endif  // WEFT_DISPATCH_FORMATS_H_
