#define WEFT_FORMAT q8_0
#include <weft/instantiate/format.inc>
