// What weft asks of the compiler, refused early and in words.
#ifndef WEFT_CORE_CONFIG_H_
#define WEFT_CORE_CONFIG_H_

#if defined(__FAST_MATH__)
#error "weft's numerics (NaN handling, exact rounding steps) do not survive -ffast-math; compile without it"
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weft reads GGUF blocks as they lie in the file and needs a little-endian machine"
#endif

#endif  // WEFT_CORE_CONFIG_H_
