// The product on the compiler's baseline target; see main.cc.
#include <weft/weft.h>

weft::Status MultiplyStatic(const weft::MatMulArgs& args);
