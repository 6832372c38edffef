// An engine with a weft type in its interface.
#pragma once
#include <stddef.h>
#include <weft/weft.h>

// y[r] = the product of row r of w, rows x cols of floats, with x.
weft::Status Multiply(const float* w, size_t rows, size_t cols, const float* x, float* y);
