// The matrix product over a set of kernels: the split into tasks. Plain C++, compiled once; the kernels behind `set`
// belong to one target.
#ifndef WEFT_DRIVERS_MATMUL_H_
#define WEFT_DRIVERS_MATMUL_H_

#include <new>
#include <span>
#include <variant>

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/activations.h"
#include "weft/drivers/matmul_plan.h"
#include "weft/drivers/matmul_task.h"
#include "weft/drivers/matmul_validate.h"
#include "weft/drivers/split.h"

namespace weft::inline WEFT_NAMESPACE::driver {

// The activations as the kernels of a product want them.
inline Status PrepareProduct(const KernelSet& set, const MatMulArgs& args, const Executor& executor) {
  return Prepare(set, *args.x, set.Find(args.w.type)->Product(args.precision).form, executor);
}

// Points the plan to tokens that were packed for one of `others`, or packs them.
template <class Plan>
Status ShareOrPackTokens(Plan& plan, std::span<const MatMulJob> others, Carver& carver, const Executor& executor) {
  for (const MatMulJob& other : others) {
    const Plan* same = std::get_if<Plan>(&other.plan);
    if (same == nullptr || !SameInput(*plan.args, *same->args) || !plan.SharesLayout(*same)) continue;
    plan.packed = same->packed;
    return Ok();
  }
  uint8_t* packed = carver.Take<uint8_t>(static_cast<size_t>(plan.PackedBytes().value()));
  plan.packed = packed;
  return PackTokens(plan, packed, executor);
}

// A run of a job's rows, with one worker's memory.
inline void RunMatMulJob(const KernelSet& set, const MatMulJob& job, size_t run, Workspace memory) {
  std::visit(
      [&](const auto& plan) {
        const size_t step = plan.StepRows(), task = plan.TaskRows(), rows = plan.args->w.rows;
        const size_t row_end = job.steps * (run + 1) / job.runs * step, end = row_end < rows ? row_end : rows;
        for (size_t first = job.steps * run / job.runs * step; first < end; first += task) {
          RunMatMulTask(set, plan, first, end - first < task ? end - first : task, memory);
        }
      },
      job.plan);
}

// Whether handing a product to threads, and getting ready for that, would take as long as the product. It has no
// panels.
inline bool IsSmall(const MatMulArgs& args) {
  return args.tokens() < kPanelTokens && args.w.rows <= kDotRows && args.w.cols <= kWorthSharing / kDotRows &&
         (args.summation == Summation::kFastest || args.phase == Phase::kDecode);
}

// A small product, on the calling thread.
inline Status MatMulAlone(const KernelSet& set, const MatMulArgs& args, Workspace workspace) {
  if (const Status status = PrepareProduct(set, args, {}); !status.ok()) return status;
  DotPlan plan = PlanDots(PlanProduct(set, args));
  Carver carver(workspace);
  if (const Status status = ShareOrPackTokens(plan, {}, carver, {}); !status.ok()) return status;
  RunMatMulTask(set, plan, 0, args.w.rows, carver.Rest());
  return Ok();
}

inline size_t JobsOf(std::span<const MatMulArgs> products) {
  size_t jobs = 0;
  for (const MatMulArgs& args : products) jobs += IsEmpty(args) ? 0u : 1u;
  return jobs;
}

inline Status MatMul(const KernelSet& set, const MatMulArgs* products, size_t count, const Executor& executor,
                     Workspace workspace) {
  if (const Status status = Validate(set, products, count); !status.ok()) return status;
  if (const Status status = ValidateExecutor(executor); !status.ok()) return status;
  const size_t needed = MatMulWorkspaceBytes(set, products, count, executor.workers);
  if (needed == 0) return Ok();
  if (workspace.data == nullptr || workspace.bytes < needed) {
    return Error(Code::kWorkspace, "workspace", workspace.data != nullptr ? workspace.bytes : 0, needed);
  }
  if (const Status status = ValidateMemory(set, {products, count}, workspace, needed); !status.ok()) return status;
  if (count == 1 && IsSmall(products[0])) return MatMulAlone(set, products[0], workspace);
  Carver carver(workspace);
  MatMulJob* const all = carver.Take<MatMulJob>(JobsOf({products, count}));
  size_t planned = 0, steps = 0, worker_bytes = 0;
  double bytes = 0.0;
  for (size_t i = 0; i < count; ++i) {
    const MatMulArgs& args = products[i];
    if (IsEmpty(args)) continue;
    if (const Status status = PrepareProduct(set, args, executor); !status.ok()) return status;
    MatMulJob& job = *new (all + planned) MatMulJob{PlanMatMul(set, args)};
    const Status status = std::visit(
        [&](auto& plan) {
          job.steps = (args.w.rows + plan.StepRows() - 1) / plan.StepRows();
          const auto own = static_cast<size_t>(WorkerBytes(plan).value());
          worker_bytes = own > worker_bytes ? own : worker_bytes;
          return ShareOrPackTokens(plan, {all, planned}, carver, executor);
        },
        job.plan);
    if (!status.ok()) return status;
    ++planned;
    steps += job.steps;
    bytes += job.product().WeightBytes();
  }
  const std::span<MatMulJob> jobs(all, planned);
  uint8_t* const memory = carver.Take<uint8_t>(worker_bytes * executor.workers);

  // Runs of about as many bytes each.
  const double wanted = static_cast<double>(RunsFor(executor, steps, jobs.front().product().tokens));
  size_t runs = 0;
  for (MatMulJob& job : jobs) {
    const auto share = static_cast<size_t>(wanted * job.product().WeightBytes() / bytes + 0.5);
    job.runs = share < 1 ? 1 : share < job.steps ? share : job.steps;
    runs += job.runs;
  }
  return ForEachRun(executor, runs, executor.workers, [&](size_t run, uint32_t worker) {
    const MatMulJob* job = jobs.data();
    for (; run >= job->runs; ++job) run -= job->runs;
    RunMatMulJob(set, *job, run, {memory + worker * worker_bytes, worker_bytes});
  });
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_MATMUL_H_
