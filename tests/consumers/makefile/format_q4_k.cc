#define WEFT_FORMAT q4_k
#include <weft/instantiate/format.inc>
