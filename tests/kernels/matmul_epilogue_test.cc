// What happens to a product on its way to memory.
#include "tests/kernels/matmul_case.h"
#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

// One product of every kind and a choice of epilogues.
class EpilogueTest : public KernelTest {
 protected:
  static constexpr size_t kRows = 37, kMost = 11;
  static constexpr DType kTypes[] = {DType::kF32, DType::kQ8_0, DType::kQ4_K};

  EpilogueTest()
      : random_(1),
        bias_(random_.Normals(kRows)),
        gate_bias_(random_.Normals(kRows)),
        residual_(random_.Normals(kMost * kRows), kMost, kRows, kRows + 4) {}

  // Runs args (without x and w) for all types and token counts; `change` completes them, given the gate.
  template <class F>
  void Check(const F& change) {
    for (DType type : kTypes) {
      const size_t k = type == DType::kF32 ? 45 : 256;
      const Weights weights(type, kRows, k, random_), gate(type, kRows, k, random_);
      for (size_t m : {size_t{1}, size_t{5}, kMost}) {
        SCOPED_TRACE(std::string(Name(type)) + " m = " + std::to_string(m));
        GuardedMatrix x(random_.Normals(m * k, 0.5f), m, k, k);
        GuardedMatrix y(m, kRows, kRows + 3);
        scalar::OwnedActivations form;
        scalar::BuildForm(FormOf(type), x.data(), m, k, k, form);
        ActivationSet set = MakeActivations(x.data(), m, k, k, {});
        MatMulArgs args;
        args.x = &set;
        args.w = weights.view();
        args.y = y.data();
        args.y_stride = y.stride();
        WeightView gate_view = gate.view();
        change(args, gate_view, y);
        const std::vector<Bounded> expected = BoundedMatMul(args, form.view);
        ASSERT_TRUE(IsOk(RunMatMul(args, {x.data(), m, k, k})));
        ExpectWithin(y, expected, m, kRows);
        // The reference itself agrees with the bounds.
        if (args.epilogue.residual == y.data()) continue;  // its residual is gone
        const std::vector<double> exact = scalar::MatMul(args, form.view);
        for (size_t i = 0; i < exact.size(); ++i) ASSERT_NEAR(exact[i], expected[i].value, expected[i].error);
      }
    }
  }

  Random random_;
  Guarded<float> bias_, gate_bias_;
  GuardedMatrix residual_;
};
WEFT_TEST_ON_TARGETS(EpilogueTest);

TEST_P(EpilogueTest, Bias) {
  Check([&](MatMulArgs& args, WeightView&, GuardedMatrix&) { args.epilogue.bias = bias_.data(); });
}

TEST_P(EpilogueTest, ScaleAndTensorFactor) {
  const float factor = 0.37f;
  Check([&](MatMulArgs& args, WeightView&, GuardedMatrix&) { args.epilogue.scale = -1.7f; });
  Check([&](MatMulArgs& args, WeightView&, GuardedMatrix&) { args.w.scale = &factor; });
  Check([&](MatMulArgs& args, WeightView&, GuardedMatrix&) {
    args.w.scale = &factor;
    args.epilogue.scale = 0.3f;
    args.epilogue.bias = bias_.data();
  });
}

TEST_P(EpilogueTest, Residual) {
  Check([&](MatMulArgs& args, WeightView&, GuardedMatrix&) {
    args.epilogue.residual = residual_.data();
    args.epilogue.residual_stride = residual_.stride();
    args.epilogue.bias = bias_.data();
  });
}

TEST_P(EpilogueTest, ResidualIsY) {
  Check([&](MatMulArgs& args, WeightView&, GuardedMatrix& y) {
    for (size_t m = 0; m < y.rows(); ++m) {
      for (size_t n = 0; n < kRows; ++n) y.Row(m)[n] = random_.Normal();
    }
    args.epilogue.residual = y.data();
    args.epilogue.residual_stride = y.stride();
  });
}

TEST_P(EpilogueTest, Activations) {
  for (Activation activation : kEveryActivation) {
    SCOPED_TRACE(static_cast<int>(activation));
    Check([&](MatMulArgs& args, WeightView&, GuardedMatrix&) {
      args.epilogue.activation = activation;
      args.epilogue.bias = bias_.data();
    });
  }
}

TEST_P(EpilogueTest, Gate) {
  const float factor = 1.25f, gate_factor = 0.75f;
  for (Activation activation : kEveryActivation) {
    SCOPED_TRACE(static_cast<int>(activation));
    Check([&](MatMulArgs& args, WeightView& gate, GuardedMatrix&) {
      args.epilogue.activation = activation;
      args.epilogue.gate = gate;
    });
    Check([&](MatMulArgs& args, WeightView& gate, GuardedMatrix&) {
      args.w.scale = &factor;
      gate.scale = &gate_factor;
      args.epilogue.activation = activation;
      args.epilogue.scale = 0.9f;
      args.epilogue.gate = gate;
      args.epilogue.bias = bias_.data();
      args.epilogue.gate_bias = gate_bias_.data();
      args.epilogue.residual = residual_.data();
      args.epilogue.residual_stride = residual_.stride();
    });
  }
}

}  // namespace
}  // namespace weft::test
