// All formats, per target. Includes only; every file has its own guard.
#define WEFT_FORMAT_TEXT_(path) #path
// A path, not an expression:
// clang-format off
#define WEFT_FORMAT_FILE(name) WEFT_FORMAT_TEXT_(weft/formats/name-inl.h)
// clang-format on
#include "weft/formats/list.inc"
#undef WEFT_FORMAT_FILE
#undef WEFT_FORMAT_TEXT_
