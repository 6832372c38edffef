// What weft asks of the compiler, refused early and in words. Every header of weft reaches this one before anything in
// it can fail otherwise.
#ifndef WEFT_CORE_CONFIG_H_
#define WEFT_CORE_CONFIG_H_

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "weft needs C++20: compile with -std=c++20 or later (CMake does, for what links weft::weft)"
#endif

#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ < 8
#error "weft needs a 64-bit target: models are mapped whole, and sizes and offsets are computed in 64 bits"
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weft reads GGUF blocks as they lie in the file and needs a little-endian machine"
#endif

// What a library of kernels defines is in an inline namespace of its own, so that programs may link several, with other
// formats, targets or options: code says weft::MatMul and gets that of the library it is compiled for. Types that hold
// no code (weft/core, the blocks of weft/formats) are the same for all. weft_add_kernels names it after the library.
#ifndef WEFT_NAMESPACE
#define WEFT_NAMESPACE v0
#endif

#endif  // WEFT_CORE_CONFIG_H_
