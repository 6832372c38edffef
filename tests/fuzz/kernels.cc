// Every public call of the library with arguments that the input chooses: sizes, strides and pointers, usual ones and
// such that no arithmetic survives. A call must be refused with a status, or stay within what its arguments describe,
// which is memory of that size and not a byte more; what a result must not depend on is computed in two ways.
#include "tests/fuzz/call.h"
#include "tests/fuzz/call_attention.h"
#include "tests/fuzz/call_matmul.h"
#include "tests/fuzz/call_ops.h"
#include "tests/fuzz/input.h"

namespace weft::fuzz {
namespace {

void ChooseTarget(Input& input) {
  const size_t index = input.Below(TargetCount());
  if (GetTarget(index).supported) ExpectOk(SetTarget(GetTarget(index).name), "SetTarget");
}

constexpr void (*kCalls[])(Input&, bool wild) = {FuzzMatMul,      FuzzAttention, FuzzNorm,    FuzzRope,
                                                 FuzzGated,       FuzzSoftmax,   FuzzGetRows, FuzzConversions,
                                                 FuzzElementwise, FuzzTopK,      FuzzStoreKv};

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::fuzz;  // NOLINT
  Input input(data, size);
  const auto call = input.Pick(kCalls);
  ChooseTarget(input);
  call(input, input.Below(2) != 0);
  return 0;
}
