#ifndef MULTIPLY_H_
#define MULTIPLY_H_
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
/* y = w x. Returns 0 if it cannot, with a sentence in problem[0, size). */
int multiply(const float* w, size_t rows, size_t cols, const float* x, float* y, char* problem, size_t size);
#ifdef __cplusplus
}
#endif
#endif
