#include "reference/models/built_in.h"

// The assembler copies the file (WEFT_BUILT_IN_MODEL, set by the build) into the object; a source literal of that size
// would take the compiler minutes.
asm(".section .rodata\n"
    ".balign 64\n"
    ".globl weft_built_in_model_begin\n"
    ".hidden weft_built_in_model_begin\n"
    "weft_built_in_model_begin:\n"
    ".incbin \"" WEFT_BUILT_IN_MODEL
    "\"\n"
    ".globl weft_built_in_model_end\n"
    ".hidden weft_built_in_model_end\n"
    "weft_built_in_model_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
__attribute__((visibility("hidden"))) extern const uint8_t weft_built_in_model_begin[];
__attribute__((visibility("hidden"))) extern const uint8_t weft_built_in_model_end[];
}

namespace weft::engine {

std::span<const uint8_t> BuiltInModel() { return {weft_built_in_model_begin, weft_built_in_model_end}; }

}  // namespace weft::engine
