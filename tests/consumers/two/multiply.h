// What either library offers: weft's types, which are the same for all, and nothing of what it is made of.
#include <weft/weft.h>

#define DECLARE_LIBRARY(name)                                                                                        \
  namespace name {                                                                                                   \
  __attribute__((visibility("default"))) bool Has(weft::DType type);                                                 \
  __attribute__((visibility("default"))) weft::Status Encode(weft::DType type, const float* x, void* blocks,         \
                                                             float* decoded, size_t n);                              \
  __attribute__((visibility("default"))) weft::Status Multiply(const weft::WeightView& w, const float* x, float* y); \
  __attribute__((visibility("default"))) weft::Status ChangeInPlace(const weft::WeightView& w, float* x, float* y);  \
  }
DECLARE_LIBRARY(first)
DECLARE_LIBRARY(second)
