#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

// Tests ask for more memory than there is, which must become an error in words. AddressSanitizer would end the program
// instead; other builds never call this.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
