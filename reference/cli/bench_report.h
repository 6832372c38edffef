// How the results of `weft bench` are written.
#ifndef WEFT_REFERENCE_CLI_BENCH_REPORT_H_
#define WEFT_REFERENCE_CLI_BENCH_REPORT_H_

#include <cstddef>
#include <string>

#include "reference/cli/bench_test.h"
#include "weft/weft.h"

namespace weft::engine::cli {

// The text of a report, in the order in which it is printed.
class BenchReport {
 public:
  enum class Style { kMarkdown, kJson, kCsv };

  BenchReport(Style style, std::string model, size_t model_bytes, std::string target, DType kv_type)
      : style_(style),
        model_(std::move(model)),
        target_(std::move(target)),
        model_bytes_(model_bytes),
        kv_type_(kv_type) {}

  std::string Begin() const;
  // In CSV, results have no profiles.
  std::string Row(const BenchResult& result);
  // For people, the profiles come here: after all results.
  std::string End() const;

 private:
  std::string MarkdownRow(const BenchResult& result) const;
  std::string JsonRow(const BenchResult& result) const;
  std::string CsvRow(const BenchResult& result) const;

  Style style_;
  std::string model_, target_;
  size_t model_bytes_;
  DType kv_type_;
  size_t rows_ = 0;
  std::string profiles_;
};

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_BENCH_REPORT_H_
