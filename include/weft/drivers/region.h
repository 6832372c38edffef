// Where in memory the arguments of an operation lie: whether they fit in it, and whether they meet.
#ifndef WEFT_DRIVERS_REGION_H_
#define WEFT_DRIVERS_REGION_H_

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "weft/core/checked.h"
#include "weft/core/status.h"
#include "weft/core/strict_math.h"

namespace weft::inline WEFT_NAMESPACE::driver {

// `count` things `stride` elements apart; the names are those of the arguments, for errors.
struct Axis {
  size_t count = 1, stride = 0;
  const char* count_name = "";
  const char* stride_name = "";
};

// Runs of `length` elements of `element` bytes: run (i, j) begins i * outer.stride + j * inner.stride elements behind
// `data`. Which axis is the outer one does not matter.
struct Region {
  const void* data = nullptr;
  size_t length = 0;
  const char* name = "";         // of `data`
  const char* length_name = "";  // of `length`
  Axis outer, inner;
  size_t element = sizeof(float);
};

inline Region RowRegion(const void* data, const char* name, size_t rows, size_t cols, size_t stride,
                        const char* stride_name) {
  return {data, cols, name, "cols", {rows, stride, "rows", stride_name}, {}};
}
inline Region LineRegion(const void* data, const char* name, size_t length, const char* length_name) {
  return {data, length, name, length_name, {}, {}};
}
inline Region ByteRegion(const void* data, const char* name, size_t bytes) {
  return {data, bytes, name, name, {}, {}, 1};
}

// How far elements reach along an axis beyond the first.
inline Checked Reach(const Axis& axis) { return axis.count > 1 ? Checked(axis.count - 1) * axis.stride : Checked(0); }

// Bytes from the first element to the last.
inline Checked ExtentBytes(const Region& region) {
  return (Reach(region.outer) + Reach(region.inner) + region.length) * region.element;
}

// The axis with larger steps as the outer one; one that counts once has no steps.
struct Axes {
  const Axis &outer, &inner;
};
inline Axes ByStride(const Region& region) {
  const auto step = [](const Axis& axis) { return axis.count > 1 ? axis.stride : 0; };
  if (step(region.inner) > step(region.outer)) return {region.inner, region.outer};
  return {region.outer, region.inner};
}

// Which argument of a region that does not fit in `bytes` is to blame.
inline Status TooLarge(const Region& region, uint64_t bytes) {
  const uint64_t room = bytes / region.element;
  if (region.length > room) return Error(Code::kRange, region.length_name, region.length, room);
  const uint64_t beside = room - region.length;
  const Axis* const axes[] = {&region.inner, &region.outer};
  for (const Axis* axis : axes) {
    if (axis->count > 1 && axis->count - 1 > beside / region.length) {  // without any gaps, too
      return Error(Code::kRange, axis->count_name, axis->count, beside / region.length + 1);
    }
  }
  const auto& [outer, inner] = ByStride(region);
  const uint64_t left = Reach(inner).AtMost(beside) ? beside - Reach(inner).value() : 0;
  return Error(Code::kRange, outer.stride_name, outer.stride, left / (outer.count - 1));
}

// The data is there, strides are at least `length` where they count, and everything fits in the address space behind
// `data`; the error names the argument that is to blame. Lengths and counts are at least 1.
inline Status ValidateRegion(const Region& region) {
  if (region.data == nullptr) return Error(Code::kNull, region.name);
  const Axis &inner = region.inner, &outer = region.outer;
  if (inner.count > 1 && inner.stride < region.length) {
    return Error(Code::kShape, inner.stride_name, inner.stride, region.length);
  }
  if (outer.count > 1 && outer.stride < region.length) {
    return Error(Code::kShape, outer.stride_name, outer.stride, region.length);
  }
  const uint64_t behind = UINTPTR_MAX - reinterpret_cast<uintptr_t>(region.data);
  const uint64_t bytes = behind < PTRDIFF_MAX ? behind : PTRDIFF_MAX;
  return ExtentBytes(region).AtMost(bytes) ? Ok() : TooLarge(region, bytes);
}

// Whether runs that are written are apart from each other: those of one axis within a step of the other.
inline Status ValidateRunsApart(const Region& region) {
  if (region.outer.count <= 1 || region.inner.count <= 1) return Ok();
  const auto& [outer, inner] = ByStride(region);
  const Checked needed = Reach(inner) + region.length;
  if (needed.AtMost(outer.stride)) return Ok();
  return Error(Code::kShape, outer.stride_name, outer.stride, needed.value());
}

// The same places in the same order.
inline bool Same(const Region& a, const Region& b) {
  const auto same = [](const Axis& x, const Axis& y) {
    return x.count == y.count && (x.count <= 1 || x.stride == y.stride);
  };
  return a.data == b.data && a.length == b.length && a.element == b.element && same(a.outer, b.outer) &&
         same(a.inner, b.inner);
}

// The bytes of a valid region: [begin, begin + extent), of which, if step is not 0, the first `row` of every step
// count.
struct Footprint {
  const char* name = "";
  uintptr_t begin = 0;
  uint64_t extent = 0, step = 0, row = 0;

  Footprint() = default;
  explicit Footprint(const Region& region) : name(region.name), begin(reinterpret_cast<uintptr_t>(region.data)) {
    const auto& [outer, inner] = ByStride(region);
    extent = region.data != nullptr ? ExtentBytes(region).value() : 0;
    step = outer.count > 1 ? outer.stride * region.element : 0;
    row = (Reach(inner) + region.length).value() * region.element;
  }
};

// Whether they may share a byte. Exact for single runs and for rows at equal distances (columns of one matrix);
// otherwise what lies between the runs counts, too.
inline bool Overlap(const Footprint& a, const Footprint& b) {
  const Footprint &low = a.begin <= b.begin ? a : b, &high = a.begin <= b.begin ? b : a;
  const uint64_t distance = high.begin - low.begin;
  if (distance >= low.extent || high.extent == 0) return false;
  if (low.step == 0 || low.step != high.step) return true;
  const uint64_t shift = distance % low.step;
  return shift < low.row || high.row > low.step - shift;
}
inline bool Overlap(const Region& a, const Region& b) {
  const auto begin = [](const Region& region) { return reinterpret_cast<uintptr_t>(region.data); };
  const bool a_first = begin(a) <= begin(b);
  const Region &low = a_first ? a : b, &high = a_first ? b : a;
  if (begin(high) - begin(low) >= ExtentBytes(low).value()) return false;  // as a rule
  return Overlap(Footprint(a), Footprint(b));
}

// Whether `output` keeps clear of `input`, or is it.
inline bool ApartOrSame(const Region& output, const Region& input) {
  return Same(output, input) || !Overlap(output, input);
}

// The first of some results that is an error.
template <class... Statuses>
Status FirstError(const Statuses&... statuses) {
  Status first;
  (void)((statuses.ok() || (first = statuses, false)) && ...);
  return first;
}

// The inputs that an output may be, and otherwise keeps clear of.
template <class... Regions>
Status ValidateApartOrSame(const Region& output, const Regions&... inputs) {
  return FirstError((ApartOrSame(output, inputs) ? Ok() : OverlapError(inputs.name, output.name))...);
}
// The inputs that an output keeps clear of. Those that are null are not there.
template <class... Regions>
Status ValidateApart(const Region& output, const Regions&... inputs) {
  return FirstError((Overlap(output, inputs) ? OverlapError(inputs.name, output.name) : Ok())...);
}
// The same of any number of them.
inline Status ValidateApart(const Footprint& output, std::span<const Footprint> inputs) {
  for (const Footprint& input : inputs) {
    if (Overlap(output, input)) return OverlapError(input.name, output.name);
  }
  return Ok();
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_REGION_H_
