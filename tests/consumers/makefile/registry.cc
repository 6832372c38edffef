#define WEFT_FORMATS(X) X(q8_0) X(q4_k)
#include <weft/instantiate/registry.inc>
