# Formats that kernels would compute wrongly do not compile, and the compiler says why. Run by ctest with COMPILER, FLAGS,
# INCLUDE (weft's folder), HIGHWAY (its folder) and WORK (a folder to write to).
file(MAKE_DIRECTORY "${WORK}")
set(probe "${WORK}/probe.cc")
set(count 0)

# compiles(text code): whether the code is refused with the text in an error; without a text it must compile.
function(compiles text code)
  file(WRITE "${probe}" "${code}")
  execute_process(COMMAND ${COMPILER} ${FLAGS} -std=c++20 -Wall -Wextra -Werror -fsyntax-only
      "-I${INCLUDE}" "-I${CMAKE_CURRENT_LIST_DIR}" -isystem "${HIGHWAY}" "${probe}"
    RESULT_VARIABLE status ERROR_VARIABLE output OUTPUT_QUIET)
  string(FIND "${output}" "${text}" at)
  if(text STREQUAL "" AND NOT status EQUAL 0)
    message(SEND_ERROR "must compile, but does not:\n${code}\n${output}")
  elseif(NOT text STREQUAL "" AND (status EQUAL 0 OR at EQUAL -1))
    message(SEND_ERROR "must be refused ('${text}'), but:\n${code}\n${output}")
  endif()
  math(EXPR count "${count} + 1")
  set(count ${count} PARENT_SCOPE)
endfunction()

function(format text arguments)
  compiles("${text}" "#include \"probe.h\"\nusing namespace probe;
using Probe = Format<${arguments}>;\nstatic_assert(weft::IsValidFormat<Probe>());\n")
  set(count ${count} PARENT_SCOPE)
endfunction()

format("" "DType::kQ4_0, 32, 8, 15, false, false")
format("" "DType::kQ4_0, 16, 8, 15, true, false")
format("" "DType::kQ1_0, 128, 1, 2, false, false")
format("" "DType::kQ4_K, 128, 0, 127, true, true")
format("" "DType::kQ4_K, 256, 128, 255, false, false")
format("groups are multiples of 16 elements" "DType::kQ4_0, 8, 8, 15, false, false")
format("a block has whole groups" "DType::kQ4_0, 48, 8, 15, false, false")
format("blocks have 32, 64, 128 or 256 elements" "DType::kI8, 16, 8, 15, false, false")
format("code - zero fits a signed byte" "DType::kQ8_0, 32, 0, 255, false, false")
format("code - zero fits a signed byte" "DType::kQ8_0, 32, 129, 255, false, false")
format("codes are bytes" "DType::kQ8_0, 32, 128, 256, false, false")

# kernels(text format begin end row_scales): the kernels of a format whose RowScales is that.
function(kernels text format begin end row_scales)
  compiles("${text}" "#include \"probe-inl.h\"
HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
template <>
struct Unpack<${format}> : ProbeCodes<${begin}, ${end}> {
  template <class Rows, class Factors>
  static HWY_INLINE void RowScales(const Rows&, const Factors& to) {
    ${row_scales}
  }
};
void Use() { (void)MakeFormatKernels<${format}>(); }
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();
")
  set(count ${count} PARENT_SCOPE)
endfunction()

set(small "to.Scale(0, ProbeFloats());")
set(large "ByteScales<false>(to, 0, ProbeFloats(), ProbeIntegers());
ByteOffsets(to, 0, ProbeFloats(), ProbeIntegers());")
kernels("" Small 2 18 "${small}")
kernels("" Small 2 22 "${small}")
kernels("" Large 16 144 "${large}")
kernels("code bytes come four at a time" Small 2 21 "${small}")
kernels("code bytes are loaded 16 at a time" Small 2 14 "${small}")
kernels("code bytes lie in the block" Small 2 34 "${small}")
kernels("scales are floats here" Small 2 18 "${small} to.IntegerScales(0, ProbeIntegers());")
kernels("offsets are floats here" Small 2 18 "${small} to.Offset(0, ProbeFloats());")
kernels("offsets are floats here" Large 16 144 "${large} to.Offset(0, ProbeFloats());")
kernels("offsets are floats here" Small 2 18 "${small} to.IntegerOffsets(0, ProbeIntegers());")
message(STATUS "${count} formats tried")
