// Runs of floats, vector by vector. Only the last vector of a run can be incomplete, and only it is worth masks: a
// masked store of a whole vector takes some 15 cycles on AVX2 CPUs of AMD.

#if defined(WEFT_SIMD_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_VECTORS_INL_H_
#undef WEFT_SIMD_VECTORS_INL_H_
#else
#define WEFT_SIMD_VECTORS_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// How a vector of a run is loaded, as floats from any type of elements, and stored. Or: v in the lanes that are part of
// the run, `other` elsewhere.
struct WholeVector {
  template <class DF, class T>
  HWY_INLINE hn::Vec<DF> Load(DF df, const T* from) const {
    return LoadFloat(df, from);
  }
  template <class DF>
  HWY_INLINE void Store(DF df, hn::Vec<DF> v, float* to) const {
    hn::StoreU(v, df, to);
  }
  template <class DF>
  HWY_INLINE hn::Vec<DF> Or(DF /*df*/, hn::Vec<DF> v, hn::Vec<DF> /*other*/) const {
    return v;
  }
};
struct PartVector {
  size_t count;  // lanes in use, from the first on; the others are loaded as zeros

  template <class DF, class T>
  HWY_INLINE hn::Vec<DF> Load(DF df, const T* from) const {
    return LoadFloatN(df, from, count);
  }
  template <class DF>
  HWY_INLINE void Store(DF df, hn::Vec<DF> v, float* to) const {
    hn::StoreN(v, df, to, count);
  }
  template <class DF>
  HWY_INLINE hn::Vec<DF> Or(DF df, hn::Vec<DF> v, hn::Vec<DF> other) const {
    return hn::IfThenElse(hn::FirstN(df, count), v, other);
  }
};

// Calls f(i, vector) for i = begin, begin + Lanes(df), ... below n, with a WholeVector or, for what is left, a
// PartVector.
template <class DF, class F>
HWY_INLINE void ForVectors(DF df, size_t begin, size_t n, const F& f) {
  const size_t lanes = hn::Lanes(df);
  size_t i = begin;
  for (; i + lanes <= n; i += lanes) f(i, WholeVector());
  if (i < n) f(i, PartVector{n - i});
}
template <class DF, class F>
HWY_INLINE void ForVectors(DF df, size_t n, const F& f) {
  ForVectors(df, 0, n, f);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
