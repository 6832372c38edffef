// Two libraries in one program, each with its own weft inside: neither's formats and options become the other's.
#include <stdio.h>

#include <vector>

#include "../problem.h"
#include "multiply.h"

#define CHECK_LIBRARY(name, type, other, group, checks) \
  Check(#name, problem, name::Has, name::Encode, name::Multiply, name::ChangeInPlace, type, other, group, checks)

template <class Has, class Encode, class Multiply, class Change>
static bool Check(const char* name, Problem problem, Has has, Encode encode, Multiply multiply, Change change,
                  weft::DType type, weft::DType other, size_t group, bool checks) {
  const size_t rows = Problem::kRows, cols = Problem::kCols;
  std::vector<unsigned char> blocks(rows * weft::RowBytes(type, cols));
  std::vector<float> decoded(rows * cols), y(rows);
  const weft::WeightView w = weft::MakeWeights(blocks.data(), type, rows, cols);
  if (!has(type) || has(other)) {
    printf("%s has the wrong formats\n", name);
    return false;
  }
  if (!encode(type, problem.weights.data(), blocks.data(), decoded.data(), rows * cols).ok()) return false;
  if (!multiply(w, problem.x.data(), y.data()).ok() || !problem.Check(name, decoded, group, y)) return false;
  const weft::Code code = change(w, problem.x.data(), y.data()).code;
  if (code == (checks ? weft::Code::kStale : weft::Code::kOk)) return true;
  printf("%s has the options of the other library\n", name);
  return false;
}

int main() {
  const Problem problem;
  const weft::DType q8_0 = weft::DType::kQ8_0, q4_k = weft::DType::kQ4_K;
  const bool first = CHECK_LIBRARY(first, q8_0, q4_k, 32, false);
  const bool second = CHECK_LIBRARY(second, q4_k, q8_0, 256, true);
  return first && second ? 0 : 1;
}
