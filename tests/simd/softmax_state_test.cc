// The online-softmax state: parts merged in any way are the whole.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/simd/softmax_state_test.cc"
#include "weft/instantiate/targets.h"
// targets.h must come before foreach_target.h, and that before highway.h.
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Last of Highway's: compiled once per target.
#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/bounded.h"
#include "tests/kernels/random.h"
#include "tests/simd/simd_test.h"
#include "weft/kernels/softmax_state-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace {

constexpr size_t kSize = 19;

struct Keys {
  std::vector<float> scores, values;  // values: [keys][kSize]

  // A state of keys [begin, end), taken in `step` at a time, with its accumulator in `acc`.
  SoftmaxState State(size_t begin, size_t end, size_t step, std::vector<float>& acc) const {
    acc.assign(kSize, NAN);
    SoftmaxState state;
    state.acc = acc.data();
    state.size = kSize;
    Reset(state);
    for (size_t i = begin; i < end; i += step) {
      const size_t n = end - i < step ? end - i : step;
      std::vector<float> part(scores.begin() + static_cast<ptrdiff_t>(i),
                              scores.begin() + static_cast<ptrdiff_t>(i + n));
      std::vector<const BlockF32*> rows;
      for (size_t j = i; j < i + n; ++j) rows.push_back(reinterpret_cast<const BlockF32*>(&values[j * kSize]));
      Update(&state, 1, part.data(), n, rows.data(), n);
    }
    return state;
  }
};

// exp(s - max) summed up exactly, each term with the roundings of one exponential per key and rescaling, at most.
void ExpectWhole(const Keys& keys, const SoftmaxState& state, const float* sink) {
  double max = sink != nullptr ? *sink : -INFINITY, min = INFINITY;
  for (float s : keys.scores) {
    max = std::max<double>(max, s);
    if (s != -INFINITY) min = std::min<double>(min, s);
  }
  const double relative = test::Gamma(5 * (keys.scores.size() + 2)) + 2 * test::kRoundoff * (max - min);
  std::vector<test::Bounded> weights;
  for (float s : keys.scores) {
    test::Bounded e = s == -INFINITY ? test::Bounded(0.0) : Exp(test::Bounded(s) - test::Bounded(max));
    e.error += relative * e.Magnitude();
    weights.push_back(e);
  }
  std::vector<test::Bounded> total = weights;
  if (sink != nullptr) total.push_back(Exp(test::Bounded(*sink) - test::Bounded(max)));
  const test::Bounded sum = SumOf(total);
  float out[kSize];
  Finish(state, sink, out);
  for (size_t i = 0; i < kSize; ++i) {
    std::vector<test::Bounded> terms;
    for (size_t j = 0; j < weights.size(); ++j) terms.push_back(weights[j] * test::Bounded(keys.values[j * kSize + i]));
    ASSERT_TRUE(IsWithin(out[i], SumOf(terms) * (test::Bounded(1.0) / sum))) << i;
  }
}

void CheckParts() {
  test::Random random(1);
  const float low = -5.0f, high = 9.0f;
  for (size_t n : {1, 2, 5, 16, 33, 100}) {
    Keys keys{random.Normals(n, 4.0f), random.Normals(n * kSize)};
    if (n > 5) keys.scores[n / 3] = -INFINITY;
    for (const float* sink : {static_cast<const float*>(nullptr), &low, &high}) {
      std::vector<float> a, b;
      for (size_t step : {1, 3, 32, 100}) ExpectWhole(keys, keys.State(0, n, step, a), sink);
      for (size_t cut : {size_t{0}, n / 4, n / 2, n}) {
        SoftmaxState left = keys.State(0, cut, 32, a);
        const SoftmaxState right = keys.State(cut, n, 32, b);
        Merge(left, right);
        ExpectWhole(keys, left, sink);
      }
    }
  }
}

// Heads side by side have the bits that each has alone; one of them sees no key.
void CheckHeads() {
  test::Random random(2);
  constexpr size_t kKeys = 21, kStride = 32;
  for (size_t size : {1, 7, 16, 19, 64, 100}) {
    const std::vector<float> values = random.Normals(kKeys * size);
    std::vector<const BlockF32*> rows;
    for (size_t j = 0; j < kKeys; ++j) rows.push_back(reinterpret_cast<const BlockF32*>(&values[j * size]));
    for (size_t heads = 1; heads <= kHeadsTogether; ++heads) {
      std::vector<float> scores = random.Normals(kHeadsTogether * kStride, 3.0f);
      for (size_t j = 0; j < kKeys; ++j) scores[heads / 2 * kStride + j] = -INFINITY;
      std::vector<float> alone_scores = scores, acc(kHeadsTogether * size), alone_acc = acc;
      SoftmaxState states[kHeadsTogether], alone[kHeadsTogether];
      for (size_t h = 0; h < heads; ++h) {
        states[h].acc = &acc[h * size];
        alone[h].acc = &alone_acc[h * size];
        states[h].size = alone[h].size = size;
      }
      for (size_t turn = 0; turn < 2; ++turn) {
        Update(states, heads, scores.data(), kStride, rows.data(), kKeys);
        for (size_t h = 0; h < heads; ++h) {
          Update(alone + h, 1, &alone_scores[h * kStride], kStride, rows.data(), kKeys);
        }
      }
      EXPECT_EQ(acc, alone_acc) << heads << " heads of " << size;
      EXPECT_EQ(scores, alone_scores) << heads << " heads of " << size;
      for (size_t h = 0; h < heads; ++h) {
        EXPECT_EQ(states[h].max, alone[h].max);
        EXPECT_EQ(states[h].sum, alone[h].sum);
      }
    }
  }
}

void CheckEmpty() {
  const Keys none{std::vector<float>(3, -INFINITY), std::vector<float>(3 * kSize, 1.0f)};
  std::vector<float> a, b;
  const float sink = 1.0f;
  for (size_t keys : {0, 3}) {  // no key, and keys that weigh nothing
    SoftmaxState left = none.State(0, keys, 2, a);
    const SoftmaxState right = none.State(0, 0, 2, b);
    Merge(left, right);
    Merge(left, left);
    for (const float* s : {static_cast<const float*>(nullptr), &sink}) {
      float out[kSize];
      Finish(left, s, out);
      for (float v : out) EXPECT_EQ(v, 0.0f);
    }
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(CheckParts);
HWY_EXPORT(CheckHeads);
HWY_EXPORT(CheckEmpty);

WEFT_SIMD_TEST(SoftmaxStateTest);
TEST_P(SoftmaxStateTest, PartsMakeTheWhole) { HWY_DYNAMIC_DISPATCH(CheckParts)(); }
TEST_P(SoftmaxStateTest, HeadsSideBySideHaveTheBitsOfEachAlone) { HWY_DYNAMIC_DISPATCH(CheckHeads)(); }
TEST_P(SoftmaxStateTest, EmptyGivesZeros) { HWY_DYNAMIC_DISPATCH(CheckEmpty)(); }

}  // namespace
}  // namespace weft
#endif  // HWY_ONCE
