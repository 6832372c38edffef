#include "static.h"

#include <weft/static-inl.h>

#include <vector>

weft::Status MultiplyStatic(const weft::MatMulArgs& args) {
  using Kernels = weft::Static<weft::Q8_0>;
  std::vector<unsigned char> scratch(Kernels::MatMulWorkspaceBytes(args, 1));
  return Kernels::MatMul(args, {}, {scratch.data(), scratch.size()});
}
