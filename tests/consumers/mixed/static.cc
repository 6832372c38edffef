#include "static.h"

#include <weft/static-inl.h>

#include <vector>

weft::Status MultiplyStatic(const weft::MatMulArgs& args) {
  using Library = weft::Static<weft::Q8_0>;
  std::vector<unsigned char> scratch(weft::MatMulWorkspaceBytes<Library>(args, 1));
  return weft::MatMul<Library>(args, {}, {scratch.data(), scratch.size()});
}
