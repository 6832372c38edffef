// F32 needs nothing per target beyond the loads and stores of simd/convert-inl.h, which know its storage type.
#include "weft/formats/f32.h"
#include "weft/simd/convert-inl.h"
