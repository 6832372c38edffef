// The integer product that quantised kernels are made of: four codes times four activations per 32-bit lane.
//
// x86 multiplies unsigned by signed bytes, Arm signed by signed. So that each target gets its one-instruction form, a
// weight operand is the code itself or, where kSignedCodes, code - zero; Operand() makes it. What the unsigned form
// still owes, sum((code - zero) * a) = sum(code * a) - zero * sum(a), packed activations bring along.

#if defined(WEFT_SIMD_INT8_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_INT8_DOT_INL_H_
#undef WEFT_SIMD_INT8_DOT_INL_H_
#else
#define WEFT_SIMD_INT8_DOT_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/simd/products.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Whether weight operands are signed (code - zero) on this target.
#if HWY_TARGET_IS_NEON
inline constexpr bool kSignedCodes = true;
#else
inline constexpr bool kSignedCodes = false;
#endif

#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX2 && (HWY_COMPILER_GCC_ACTUAL || HWY_COMPILER_CLANG)
inline constexpr bool kCanUseAvxVnni = true;
// As assembly: a function that may contain the intrinsics cannot be inlined into those of the target AVX2.
HWY_INLINE hn::Vec<hn::Full256<int32_t>> AvxVnniQuadDot(hn::Vec<hn::Full256<uint8_t>> u, hn::Vec<hn::Full256<int8_t>> i,
                                                        hn::Vec<hn::Full256<int32_t>> sum) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(u.raw), "x"(i.raw));
  return sum;
}
HWY_INLINE hn::Vec<hn::Full256<int32_t>> AvxVnniPairDot(hn::Vec<hn::Full256<int16_t>> a,
                                                        hn::Vec<hn::Full256<int16_t>> b,
                                                        hn::Vec<hn::Full256<int32_t>> sum) {
  asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum.raw) : "x"(a.raw), "x"(b.raw));
  return sum;
}
#else
inline constexpr bool kCanUseAvxVnni = false;
#endif

#if HWY_ARCH_ARM_A64 && HWY_TARGET_IS_NEON && HWY_TARGET != HWY_NEON_BF16 && \
    (HWY_COMPILER_GCC_ACTUAL || HWY_COMPILER_CLANG)
inline constexpr bool kCanUseArmDot = true;
// As assembly for the same reason, and as the instruction's number: by name, assemblers take it only in files for CPUs
// that have it. The symbols .Lweft_v0 and so on turn the names of registers into numbers.
HWY_INLINE hn::Vec<hn::Full128<int32_t>> ArmQuadDot(hn::Vec<hn::Full128<int8_t>> a, hn::Vec<hn::Full128<int8_t>> b,
                                                    hn::Vec<hn::Full128<int32_t>> sum) {
  asm inline(
      ".ifndef .Lweft_v0\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      ".equ .Lweft_v\\n, \\n\n"
      ".endr\n"
      ".endif\n"
      ".inst 0x4e809400 | .Lweft_%2 << 16 | .Lweft_%1 << 5 | .Lweft_%0"  // sdot %0.4s, %1.16b, %2.16b
      : "+w"(sum.raw)
      : "w"(a.raw), "w"(b.raw));
  return sum;
}
#else
inline constexpr bool kCanUseArmDot = false;
#endif

// AVX-512's pair dot as assembly: LLVM takes the intrinsic apart, into a product and an addition, for a shorter
// latency, and the addition then competes for the ports of the dots: 3 % of a tile's speed.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL && (HWY_COMPILER_GCC_ACTUAL || HWY_COMPILER_CLANG)
inline constexpr bool kWholePairDot = true;
template <class V16, class V32>
HWY_INLINE V32 WholePairDot(V16 a, V16 b, V32 sum) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
}
#else
inline constexpr bool kWholePairDot = false;
template <class V16, class V32>
V32 WholePairDot(V16 a, V16 b, V32 sum) = delete;
#endif

// What the compiler was told about the CPU, for callers that compile for one target.
#if defined(__AVXVNNI__)
inline constexpr Products kStaticProducts = kCanUseAvxVnni ? Products::kAvxVnni : Products::kTarget;
#elif defined(__ARM_FEATURE_DOTPROD)
inline constexpr Products kStaticProducts = kCanUseArmDot ? Products::kArmDot : Products::kTarget;
#else
inline constexpr Products kStaticProducts = Products::kTarget;
#endif

// Whether u8 x i8 quad dots and 16-bit pair dots are one instruction (VNNI).
template <Products kProducts>
inline constexpr bool kNativeDots = kProducts == Products::kAvxVnni || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL);

// The weight operand for codes in [0, 255] of a format with the given zero point; code - kZero lies in [-128, 127], so
// that a signed byte holds it.
template <int kZero, class D8, HWY_IF_U8_D(D8)>
HWY_INLINE hn::Vec<D8> Operand(D8 d8, hn::Vec<D8> codes) {
  if constexpr (kSignedCodes && kZero != 0) {
    return hn::Sub(codes, hn::Set(d8, static_cast<uint8_t>(kZero)));
  } else {
    return codes;
  }
}

// sum[i] + the product of operands 4i .. 4i+3 with the activations 4i .. 4i+3. Exact for activations in [-127, 127]
// and operands made by Operand() from codes in [0, kWide ? 255 : 127]. Lanes of d32: a quarter of the bytes.
template <bool kWide, Products kProducts = Products::kTarget, class D32, class V8, class VI8>
HWY_INLINE hn::Vec<D32> QuadDot(D32 d32, V8 operand, VI8 activations, hn::Vec<D32> sum) {
  if constexpr (kProducts == Products::kAvxVnni) {
    return AvxVnniQuadDot(operand, activations, sum);
  } else if constexpr (kProducts == Products::kArmDot) {
    return ArmQuadDot(hn::BitCast(hn::Repartition<int8_t, D32>(), operand), activations, sum);
  } else if constexpr (kSignedCodes) {
    const hn::Repartition<int8_t, D32> di8;
    return hn::SumOfMulQuadAccumulate(d32, hn::BitCast(di8, operand), activations, sum);
  } else if constexpr (kNativeDots<kProducts> || kWide) {
    return hn::SumOfMulQuadAccumulate(d32, operand, activations, sum);
  } else {
    // Two products of at most 127 * 127 fit in 16 bits, so the saturating pair sum is exact.
    const hn::Repartition<int16_t, D32> d16;
    const auto pairs = hn::SatWidenMulPairwiseAdd(d16, operand, activations);
    return hn::Add(sum, hn::WidenMulPairwiseAdd(d32, pairs, hn::Set(d16, int16_t{1})));
  }
}

// Where quad dots are several instructions, those of small codes need fewer: sums of two products fit in 16 bits
// several times over, and only their totals are widened. How many quads are summed so, if `pair_sums` sums fit; 1: use
// QuadDot.
template <Products kProducts>
constexpr size_t QuadsInPairs(size_t pair_sums) {
  return kSignedCodes || kNativeDots<kProducts> || pair_sums == 0 ? 1 : pair_sums;
}

// The sum of a group's quad dots, for codes of a format with the given panel class.
template <PanelClass kClass, Products kProducts, class D32>
class QuadSum {
  using V = hn::Vec<D32>;
  using D16 = hn::Repartition<int16_t, D32>;
  static constexpr size_t kQuads = kClass.group / 4;
  static constexpr size_t kRun = QuadsInPairs<kProducts>(kClass.pair_sums);

 public:
  HWY_INLINE QuadSum() {}  // not implicit: that one would lack the target's attributes
  HWY_INLINE void Start(V start) { total_ = start; }

  // Quads in ascending order, `quad` from 0 to kQuads - 1: a constant, for speed.
  template <class V8, class VI8>
  HWY_INLINE void Add(size_t quad, V8 operand, VI8 activations) {
    const D32 d32;
    if constexpr (kRun == 1) {
      total_ = QuadDot<kClass.pair_sums == 0, kProducts>(d32, operand, activations, total_);
    } else {
      const D16 d16;
      const auto product = hn::SatWidenMulPairwiseAdd(d16, operand, activations);
      pairs_ = quad % kRun == 0 ? product : hn::Add(pairs_, product);
      if (quad % kRun == kRun - 1 || quad == kQuads - 1) {
        total_ = hn::Add(total_, hn::WidenMulPairwiseAdd(d32, pairs_, hn::Set(d16, int16_t{1})));
      }
    }
  }

  HWY_INLINE V total() const { return total_; }
  HWY_INLINE void KeepOrder() { HWY_NAMESPACE::KeepOrder(total_); }

 private:
  V total_;
  hn::Vec<D16> pairs_;
};

// sum[i] + a[2i] * b[2i] + a[2i + 1] * b[2i + 1], of 16-bit lanes.
template <Products kProducts = Products::kTarget, class D32, class V16>
HWY_INLINE hn::Vec<D32> PairDot(D32 d32, V16 a, V16 b, hn::Vec<D32> sum) {
  if constexpr (kProducts == Products::kAvxVnni) {
    return AvxVnniPairDot(a, b, sum);
  } else if constexpr (kWholePairDot) {
    return WholePairDot(a, b, sum);
  } else if constexpr (kNativeDots<kProducts>) {
    auto unused = hn::Zero(d32);
    return hn::ReorderWidenMulAccumulate(d32, a, b, sum, unused);  // on x86 in this order, and one instruction
  } else {
    return hn::Add(sum, hn::WidenMulPairwiseAdd(d32, a, b));
  }
}

// Whether products in natural order give codes' signs (of code - zero) to the activations: where pairs of products must
// fit 16 bits, and those of the codes would not.
template <Products kProducts>
constexpr bool MovesSigns(int max_code, bool in_pairs) {
  return !kSignedCodes && max_code > 127 && (in_pairs || !kNativeDots<kProducts>);
}

// Codes of a format with the given zero, for products with several tokens: of code - zero where kMovesSigns or
// kSignedCodes, else of the codes.
template <bool kMovesSigns, int kZero, class D8>
class CodeOperand {
  using D16 = hn::Repartition<int16_t, D8>;
  using D32 = hn::Repartition<int32_t, D8>;
  using VI8 = hn::Vec<hn::RebindToSigned<D8>>;

 public:
  HWY_INLINE explicit CodeOperand(hn::Vec<D8> codes) {
    const D8 d8;
    if constexpr (kMovesSigns) {
      signs_ = hn::BitCast(hn::RebindToSigned<D8>(), hn::Sub(codes, hn::Set(d8, static_cast<uint8_t>(kZero))));
      operand_ = hn::BitCast(d8, hn::Abs(signs_));  // of -128: 128
    } else {
      operand_ = Operand<kZero>(d8, codes);
    }
  }

  // Sums of two products of bytes; only where operands are unsigned. |sum| <= 2 * 128 * 127.
  HWY_INLINE hn::Vec<D16> Pairs(VI8 activations) const {
    if constexpr (kMovesSigns) activations = hn::IfNegativeThenNegOrUndefIfZero(signs_, activations);
    return hn::SatWidenMulPairwiseAdd(D16(), operand_, activations);
  }
  // sum + the sums of four.
  template <Products kProducts>
  HWY_INLINE hn::Vec<D32> Quads(VI8 activations, hn::Vec<D32> sum) const {
    if constexpr (kMovesSigns) {
      return hn::Add(sum, hn::WidenMulPairwiseAdd(D32(), Pairs(activations), hn::Set(D16(), int16_t{1})));
    } else {
      return QuadDot<false, kProducts>(D32(), operand_, activations, sum);
    }
  }

 private:
  hn::Vec<D8> operand_;
  VI8 signs_;
};

// Lane i: 16 bits of a[i] from bit kFromA on in the lower half, of b[i] from bit kFromB on in the upper one.
template <size_t kFromA, size_t kFromB, class D32>
HWY_INLINE hn::Vec<D32> InterleaveHalves(D32 d32, hn::Vec<D32> a, hn::Vec<D32> b) {
  const hn::Repartition<int16_t, D32> d16;
  if constexpr (kFromA != 0) a = hn::ShiftRight<kFromA>(a);
  return hn::BitCast(d32, hn::OddEven(hn::BitCast(d16, hn::ShiftLeft<16 - kFromB>(b)), hn::BitCast(d16, a)));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
