#include "reference/cli/bench_report.h"

#include <fmt/format.h>

#include <string_view>

#include "reference/gguf/printable.h"

namespace weft::engine::cli {
namespace {

// Quoted; Printable has dealt with control characters.
std::string JsonText(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : Printable(text)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string CsvText(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : Printable(text)) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string Size(size_t bytes) {
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  return mebibytes < 1024 ? fmt::format("{:.2f} MiB", mebibytes) : fmt::format("{:.2f} GiB", mebibytes / 1024);
}

// How the time of a test divides.
std::string ProfileTable(const BenchResult& r) {
  const char* format = "| {:<20} | {:<5} | {:>12} | {:>7} | {:>14} |\n";
  std::string text =
      fmt::format("\n{}, {} {}\n\n", r.test.Name(), r.test.threads, r.test.threads == 1 ? "thread" : "threads");
  text += fmt::format(fmt::runtime(format), "operation", "type", "ms per token", "time", "of roofline");
  text += "| -------------------- | ----- | -----------: | ------: | -------------: |\n";
  for (const BenchOperation& operation : r.profile) {
    const auto& fraction = operation.roofline_fraction;
    text += fmt::format(fmt::runtime(format), operation.name, operation.type,
                        fmt::format("{:.4f}", 1e3 * operation.seconds), fmt::format("{:.1f} %", 100 * operation.share),
                        fraction ? fmt::format("{:.1f} % {}", 100 * *fraction, r.roofline()) : "");
  }
  return text;
}

// The member of a JSON object.
std::string ProfileJson(const BenchResult& r) {
  std::string text;
  for (const BenchOperation& operation : r.profile) {
    text += fmt::format(
        "{}\n    {{\"operation\": \"{}\", \"type\": \"{}\", \"seconds_per_token\": {:.6g}, \"share\": {:.4g}",
        text.empty() ? "" : ",", operation.name, operation.type, operation.seconds, operation.share);
    if (operation.roofline_fraction) {
      text += fmt::format(", \"roofline_fraction\": {:.4g}", *operation.roofline_fraction);
    }
    text += '}';
  }
  return text.empty() ? "" : ", \"profile\": [" + text + "]";
}

std::string MarkdownLine(std::string_view model, std::string_view size, std::string_view target,
                         std::string_view threads, std::string_view test, std::string_view speed,
                         std::string_view roofline) {
  return fmt::format("| {:<32} | {:>10} | {:<9} | {:>7} | {:>12} | {:>18} | {:>14} |\n", model, size, target, threads,
                     test, speed, roofline);
}

}  // namespace

std::string BenchReport::Begin() const {
  switch (style_) {
    case Style::kMarkdown: {
      const auto line = [](size_t width, bool right) { return std::string(width - 1, '-') + (right ? ":" : "-"); };
      return MarkdownLine("model", "size", "target", "threads", "test", "tokens/s", "of roofline") +
             fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", line(32, false), line(10, true), line(9, false),
                         line(7, true), line(12, true), line(18, true), line(14, true));
    }
    case Style::kJson: return "[";
    case Style::kCsv:
      return "test,n_prompt,n_gen,n_depth,n_threads,avg_ts,stddev_ts,model,model_bytes,target,roofline_fraction,kv_"
             "type\n";
  }
  return "";
}

std::string BenchReport::Row(const BenchResult& result) {
  const bool first = rows_++ == 0;
  switch (style_) {
    case Style::kMarkdown:
      if (!result.profile.empty()) profiles_ += ProfileTable(result);
      return MarkdownRow(result);
    case Style::kJson: return (first ? "\n" : ",\n") + JsonRow(result);
    case Style::kCsv: return CsvRow(result);
  }
  return "";
}

std::string BenchReport::End() const { return style_ == Style::kJson ? "\n]\n" : profiles_; }

std::string BenchReport::MarkdownRow(const BenchResult& r) const {
  return MarkdownLine(Printable(model_), Size(model_bytes_), target_, fmt::to_string(r.test.threads), r.test.Name(),
                      fmt::format("{:.2f} ± {:.2f}", r.mean, r.deviation),
                      fmt::format("{:.1f} % {}", 100 * r.roofline_fraction, r.roofline()));
}

std::string BenchReport::JsonRow(const BenchResult& r) const {
  return fmt::format(
      "  {{\"test\": \"{}\", \"n_prompt\": {}, \"n_gen\": {}, \"n_depth\": {}, \"n_threads\": {}, \"avg_ts\": {:.6g}, "
      "\"stddev_ts\": {:.6g}, \"model\": {}, \"model_bytes\": {}, \"target\": \"{}\", \"roofline_fraction\": "
      "{:.4g}, \"kv_type\": \"{}\"{}}}",
      r.test.Name(), r.test.prompt, r.test.generated, r.test.depth, r.test.threads, r.mean, r.deviation,
      JsonText(model_), model_bytes_, target_, r.roofline_fraction, Name(kv_type_), ProfileJson(r));
}

std::string BenchReport::CsvRow(const BenchResult& r) const {
  return fmt::format("{},{},{},{},{},{:.6g},{:.6g},{},{},{},{:.4g},{}\n", r.test.Name(), r.test.prompt,
                     r.test.generated, r.test.depth, r.test.threads, r.mean, r.deviation, CsvText(model_), model_bytes_,
                     target_, r.roofline_fraction, Name(kv_type_));
}

}  // namespace weft::engine::cli
