// Executors that break their contract: every call says so, computes nothing twice, and ends.
#include <deque>
#include <functional>
#include <string>

#include "tests/kernels/attention_case.h"
#include "tests/kernels/matmul_case.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"

namespace weft::test {
namespace {

// Runs `tasks` tasks on the calling thread in the way that a function says.
using Way = std::function<void(size_t tasks, const std::function<void(size_t index, uint32_t worker)>& task)>;

class ExecutorTest : public KernelTest {
 protected:
  static Executor Make(const Way& way, uint32_t workers) {
    Executor executor;
    executor.workers = workers;
    executor.context = const_cast<Way*>(&way);
    executor.run = [](void* context, size_t tasks, TaskFunction task, void* arg) {
      (*static_cast<const Way*>(context))(tasks, [=](size_t index, uint32_t worker) { task(arg, index, worker); });
    };
    return executor;
  }

  // Every call that takes an executor, large enough to be shared out; each returns its status.
  struct Call {
    std::string name;
    std::function<Status(const Executor&)> run;
  };
  static constexpr size_t kTokens = 64, kWidth = 1024;

  std::vector<Call> Calls() {
    std::vector<Call> calls;
    calls.push_back({"MatMul", [this](const Executor& executor) { return Multiply(40, executor); }});
    calls.push_back({"MatMul of one token", [this](const Executor& executor) { return Multiply(1, executor); }});
    calls.push_back(
        {"PrepareActivations", [this](const Executor& executor) {
           std::vector<uint8_t> forms(ActivationBytes(kTokens, kWidth));
           ActivationSet set = MakeActivations(x_.data(), kTokens, kWidth, kWidth, {forms.data(), forms.size()});
           return PrepareActivations(&set, DType::kQ8_0, executor);
         }});
    calls.push_back({"GetRows", [this](const Executor& executor) {
                       std::vector<uint32_t> ids(kTokens);
                       GetRowsArgs args;
                       args.w = weights_.view();
                       args.ids = ids.data();
                       args.count = kTokens;
                       args.y = y_.data();
                       args.y_stride = kWidth;
                       return GetRows(args, executor);
                     }});
    calls.push_back({"Norm", [this](const Executor& executor) {
                       NormArgs args;
                       args.x = x_.data();
                       args.y = y_.data();
                       args.rows = kTokens;
                       args.cols = args.stride = args.y_stride = kWidth;
                       return Norm(args, executor);
                     }});
    calls.push_back({"Softmax", [this](const Executor& executor) {
                       SoftmaxArgs args;
                       args.x = x_.data();
                       args.y = y_.data();
                       args.rows = kTokens;
                       args.cols = args.stride = args.y_stride = kWidth;
                       return Softmax(args, executor);
                     }});
    calls.push_back({"Gated", [this](const Executor& executor) {
                       GatedArgs args;
                       args.gate = args.up = x_.data();
                       args.y = y_.data();
                       args.rows = kTokens;
                       args.cols = args.gate_stride = args.up_stride = args.y_stride = kWidth;
                       return Gated(args, executor);
                     }});
    calls.push_back({"Attention", [this](const Executor& executor) {
                       attention_.args.backend = AttentionBackend::kAuto;
                       std::vector<uint8_t> memory(
                           AttentionWorkspaceBytes(attention_.args, std::max(executor.workers, 1u)));
                       return Attention(attention_.args, executor, {memory.data(), memory.size()});
                     }});
    return calls;
  }

 private:
  Status Multiply(size_t tokens, const Executor& executor) {
    std::vector<uint8_t> forms(ActivationBytes(tokens, kWidth));
    ActivationSet set = MakeActivations(x_.data(), tokens, kWidth, kWidth, {forms.data(), forms.size()});
    MatMulArgs args;
    args.x = &set;
    args.w = weights_.view();
    args.y = y_.data();
    args.y_stride = weights_.view().rows;
    std::vector<uint8_t> workspace(MatMulWorkspaceBytes(args, std::max(executor.workers, 1u)));
    return MatMul(args, executor, {workspace.data(), workspace.size()});
  }

  Random random_{1};
  std::vector<float> x_ = random_.Normals(kTokens * kWidth), y_ = std::vector<float>(kTokens * kWidth);
  Weights weights_{DType::kQ8_0, 512, kWidth, random_};
  AttentionCase attention_{{.heads = 4, .kv_heads = 2, .queries = 9, .keys = 50, .first_position = 40}, random_};
};
WEFT_TEST_ON_TARGETS(ExecutorTest);

TEST_P(ExecutorTest, NoWorkers) {
  Executor executor;
  executor.workers = 0;
  for (const Call& call : Calls()) {
    SCOPED_TRACE(call.name);
    const Status status = call.run(executor);
    EXPECT_EQ(status.code, Code::kRange);
    EXPECT_STREQ(status.argument, "executor.workers");
  }
}

TEST_P(ExecutorTest, BrokenContracts) {
  struct Broken {
    const char* name;
    Code code;
    Way way;
  };
  const Broken broken[] = {
      {"twice", Code::kExecutor,
       [](size_t tasks, const auto& task) {
         for (size_t i = 0; i < 2 * tasks; ++i) task(i % tasks, static_cast<uint32_t>(i % 3));
       }},
      {"none", Code::kExecutor, [](size_t, const auto&) {}},
      {"all but the first", Code::kExecutor,
       [](size_t tasks, const auto& task) {
         for (size_t i = 1; i < tasks; ++i) task(i, 1);
       }},
      {"one too many", Code::kExecutor,
       [](size_t tasks, const auto& task) {
         for (size_t i = 0; i <= tasks; ++i) task(i, 0);
       }},
      {"a worker too many", Code::kRange,
       [](size_t tasks, const auto& task) {
         for (size_t i = 0; i < tasks; ++i) task(i, i == 0 ? 3 : 0);
       }},
      {"a worker of another world", Code::kRange,
       [](size_t tasks, const auto& task) {
         for (size_t i = 0; i < tasks; ++i) task(i, UINT32_MAX);
       }},
  };
  for (const Call& call : Calls()) {
    for (const Broken& b : broken) {
      SCOPED_TRACE(call.name + ", " + b.name);
      const Status status = call.run(Make(b.way, 3));
      char text[200];
      EXPECT_EQ(status.code, b.code) << ToText(status, text, sizeof(text));
    }
  }
}

// Strange, but within the contract.
TEST_P(ExecutorTest, Unusual) {
  const Way backwards = [](size_t tasks, const auto& task) {
    for (size_t i = tasks; i-- > 0;) task(i, static_cast<uint32_t>(i % 100));
  };
  const Way last_worker = [](size_t tasks, const auto& task) {
    for (size_t i = 0; i < tasks; ++i) task(i, 99);
  };
  for (const Call& call : Calls()) {
    SCOPED_TRACE(call.name);
    EXPECT_TRUE(IsOk(call.run({})));
    EXPECT_TRUE(IsOk(call.run(Make(backwards, 100))));
    EXPECT_TRUE(IsOk(call.run(Make(last_worker, 100))));
    EXPECT_TRUE(IsOk(call.run(Threads(3))));
  }
}

}  // namespace
}  // namespace weft::test
