// Which rows of the list of targets (target_list.h) the instantiation units of this program are compiled for. Every
// .inc includes this first, so that all units agree; nothing else may set Highway's target macros.
//
// The build system names the rows, by WEFT_TARGET_name defined to 1: any number of them for the same architecture, or
// EMU128. With none, all rows of the architecture are compiled, as far as the compiler can. One of them must be what
// the compiler's flags let every CPU have (SSE2 or NEON without flags): else there is nothing to fall back on.
#ifndef WEFT_INSTANTIATE_TARGETS_H_
#define WEFT_INSTANTIATE_TARGETS_H_

#include "weft/core/strict_math.h"
#include "weft/instantiate/target_list.h"

#if defined(HWY_HIGHWAY_INCLUDED) || defined(HWY_TARGETS)
#error "A weft instantiation unit must be the first include of a .cc file of its own: Highway came earlier."
#endif

// WEFT_IS_ONE_(x): 1 if x is the number 1, else 0 (also where x is not defined). A literal, for names put together of
// it.
#define WEFT_SECOND_(a, b, ...) b
#define WEFT_COMMA_1 ~,
#define WEFT_IS_ONE_(x) WEFT_IS_ONE_EXPANDED_(x)
#define WEFT_IS_ONE_EXPANDED_(x) WEFT_HAS_COMMA_(WEFT_COMMA_##x)
#define WEFT_HAS_COMMA_(comma) WEFT_SECOND_(comma 1, 0, 0)

// WEFT_IF_(condition, then, otherwise): one of the two, whose parentheses are taken off.
#define WEFT_IF_(condition, then, otherwise) WEFT_IF_EXPANDED_(condition, then, otherwise)
#define WEFT_IF_EXPANDED_(condition, then, otherwise) WEFT_IF_##condition(then, otherwise)
#define WEFT_IF_1(then, otherwise) WEFT_BARE_ then
#define WEFT_IF_0(then, otherwise) WEFT_BARE_ otherwise
#define WEFT_BARE_(...) __VA_ARGS__

// The rows of this architecture, WEFT_TARGET_LIST(X).
#if WEFT_IS_ONE_(WEFT_TARGET_EMU128)
#define HWY_COMPILE_ONLY_EMU128
#define WEFT_TARGET_LIST(X) WEFT_TARGETS_EMU128(X)
#elif defined(__x86_64__) || defined(_M_X64)
#define WEFT_TARGET_LIST(X) WEFT_TARGETS_X86(X)
#elif defined(__aarch64__) || defined(_M_ARM64)
#define WEFT_TARGET_LIST(X) WEFT_TARGETS_ARM64(X)
#else
#error \
    "weft has no targets for this architecture (weft/instantiate/target_list.h). Define WEFT_TARGET_EMU128 to 1 for \
kernels in portable C++, which are slow, or compile weft/static-inl.h for one of Highway's targets."
#define WEFT_TARGET_LIST(X)
#endif

// WEFT_IS_REQUESTED_(name): 1 or 0.
#define WEFT_ADD_REQUEST_(name, highway, products, supported) +WEFT_IS_ONE_(WEFT_TARGET_##name)
#if WEFT_TARGET_LIST(WEFT_ADD_REQUEST_) + 0 > 0
#define WEFT_IS_REQUESTED_(name) WEFT_IS_ONE_(WEFT_TARGET_##name)
#elif WEFT_TARGETS_X86(WEFT_ADD_REQUEST_) WEFT_TARGETS_ARM64(WEFT_ADD_REQUEST_) + 0 > 0
#error "weft: none of the targets that WEFT_TARGET_... ask for belongs to the architecture that is compiled for"
#else
#define WEFT_IS_REQUESTED_(name) 1
#endif

// The Highway targets of the requested rows. Highway's names become values only inside its own headers.
#define WEFT_ADD_BIT_(name, highway, products, supported) | (WEFT_IS_REQUESTED_(name) * HWY_##highway)
#define WEFT_ENABLED_TARGETS_ (0 WEFT_TARGET_LIST(WEFT_ADD_BIT_))
// EMU128 stays on so that Highway always finds a target, and cpu.inc can say in words what is missing.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (~(WEFT_ENABLED_TARGETS_ | HWY_EMU128))
#endif

// Highway distrusts the emulation with older gcc on 32-bit Arm only; weft's tests run it on all supported compilers.
#ifndef HWY_BROKEN_EMU128
#define HWY_BROKEN_EMU128 0
#endif

// WEFT_IF_COMPILED_(name, highway, (then), (otherwise)), when Highway has seen all targets: whether the row is compiled
// in, that is, requested and known to the compiler.
#if WEFT_IS_ONE_(WEFT_TARGET_EMU128)
#define WEFT_IF_COMPILED_(name, highway, then, otherwise) WEFT_BARE_ then
#else
#define WEFT_VISITED_(target, name_space) WEFT_COMMA_1
#define WEFT_IF_COMPILED_(name, highway, then, otherwise)                                                              \
  WEFT_IF_(WEFT_IS_REQUESTED_(name), (WEFT_IF_(WEFT_HAS_COMMA_(HWY_VISIT_##highway(WEFT_VISITED_)), then, otherwise)), \
           otherwise)
#endif

// For the braces of a list of pointers with an entry per row: the row's kTable<products>, or null if it is not
// compiled.
#define WEFT_TABLE_OF_ROW_(name, highway, products, supported) \
  WEFT_IF_COMPILED_(name, highway, (&N_##highway::kTable<Products::products>), (nullptr)),
#define WEFT_TABLES_OF_ROWS WEFT_TARGET_LIST(WEFT_TABLE_OF_ROW_)

#endif  // WEFT_INSTANTIATE_TARGETS_H_
