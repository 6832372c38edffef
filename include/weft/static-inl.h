// weft for one target, chosen by the compiler's flags, with nothing to link: everything is in headers. For programs
// that are compiled for the machine they run on; others link runtime-dispatched kernels and include weft/weft.h.
//
//   // c++ -std=c++20 -O2 -march=native -DHWY_HEADER_ONLY ...
//   #include <weft/static-inl.h>
//   using Library = weft::Static<weft::Q8_0, weft::Q4_K>;   // the formats to compile
//   weft::MatMul<Library>(args, executor, workspace);
//
// Functions and arguments are those of weft/weft.h. All files of a program that include this, and any
// runtime-dispatched units beside them, must be compiled with the same machine flags, because they share inline
// functions.
#ifndef WEFT_STATIC_INL_H_
#define WEFT_STATIC_INL_H_

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/drivers/library.h"
#include "weft/formats/formats-inl.h"
#include "weft/formats/formats.h"
#include "weft/kernels/attention_table-inl.h"
#include "weft/kernels/format_table-inl.h"
#include "weft/kernels/op_table-inl.h"
#include "weft/kernels/tile_table-inl.h"
#include "weft/weft.h"

#ifdef HWY_TARGET_INCLUDE
#error "static-inl.h is for one target; in a foreach_target file include weft/kernels/*-inl.h instead"
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

// The library with kernels for `Formats`, all static.
template <class... Formats>
class Static {
  static constexpr OpKernels kOps = MakeOpKernels();
  static constexpr AttentionKernels kAttention = MakeAttentionKernels();
  template <class Format>
  static constexpr FormatKernels kFormat = MakeFormatKernels<Format>();
  template <class Format>
  static constexpr PanelClass kClass[] = {PanelClassOf<Format, FormOf<Format>(Precision::kFast), kStaticProducts>(),
                                          PanelClassOf<Format, FormOf<Format>(Precision::kFine), kStaticProducts>()};
  // Two per format, the first of equal classes is found.
  static constexpr TileKernels kTiles[] = {MakeTileKernels<kClass<Formats>[0]>()...,
                                           MakeTileKernels<kClass<Formats>[1]>()...};

  static constexpr KernelSet MakeKernels() {
    KernelSet set;
    set.target = "static";
    ((set.formats[static_cast<size_t>(Formats::kType)] = &kFormat<Formats>), ...);
    set.tiles = kTiles;
    set.tile_count = 2 * sizeof...(Formats);
    set.ops = &kOps;
    set.attention = &kAttention;
    return set;
  }

 public:
  static const Kernels& Active() {
    static constexpr KernelSet set = MakeKernels();
    return set;
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE

using HWY_NAMESPACE::Static;

}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // WEFT_STATIC_INL_H_
