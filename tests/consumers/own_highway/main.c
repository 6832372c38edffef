/* A C program; the kernels are called from multiply.cc. */
#include <stdio.h>

#include "multiply.h"

int main(void) {
  float w[3][4] = {{1, 2, 3, 4}, {0, -1, 0, 1}, {5, 0, 0, 5}};
  float x[4] = {1, 0.5f, 0.25f, 2};
  float y[3] = {0, 0, 0};
  char problem[256];
  if (!multiply(&w[0][0], 3, 4, x, y, problem, sizeof problem)) {
    printf("%s\n", problem);
    return 1;
  }
  printf("%g %g %g\n", y[0], y[1], y[2]);
  return y[0] == 10.75f && y[1] == 1.5f && y[2] == 15 ? 0 : 1;
}
