# Checks that what weft refuses of a compiler is refused in words, and nothing else is. Run by ctest with COMPILER, FLAGS,
# INCLUDE, HIGHWAY, PROCESSOR, SYSTEM_INCLUDES (folders) and WORK as in check_headers.cmake.
file(MAKE_DIRECTORY "${WORK}")
set(probe "${WORK}/probe.cc")
set(count 0)

# refused(header text flag...): the first error in a file that includes the header must contain the text; without a text
# there must be no error.
function(refused header text)
  file(WRITE "${probe}" "#define WEFT_FORMAT q8_0\n#define WEFT_FORMATS(X) X(q8_0)\n#include \"${header}\"\n")
  execute_process(COMMAND ${COMPILER} ${FLAGS} "-I${INCLUDE}" -isystem "${HIGHWAY}" ${ARGN} "${probe}"
    RESULT_VARIABLE status ERROR_VARIABLE output OUTPUT_QUIET)
  string(REGEX MATCH "error: [^\n]*" first "${output}")
  string(FIND "${first}" "${text}" at)
  list(JOIN ARGN " " flags)
  if(text STREQUAL "" AND NOT status EQUAL 0)
    message(SEND_ERROR "${header} must compile with ${flags}, but:\n${output}")
  elseif(NOT text STREQUAL "" AND (status EQUAL 0 OR at EQUAL -1))
    message(SEND_ERROR "${header} must be refused with ${flags} ('... ${text} ...'), but:\n${output}")
  endif()
  math(EXPR count "${count} + 1")
  set(count ${count} PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE headers RELATIVE "${INCLUDE}" "${INCLUDE}/weft/*.h")
file(GLOB units RELATIVE "${INCLUDE}" "${INCLUDE}/weft/instantiate/*.inc")
set(declarations ${headers})
list(FILTER declarations INCLUDE REGEX "^weft/(core|dispatch)/|^weft/(weft|context|version)\\.h$")
list(REMOVE_ITEM declarations weft/core/strict_math.h)
set(computing ${headers} ${units})
list(REMOVE_ITEM computing ${declarations})

# Declarations may be included by code that is compiled with any flags for floating point, all else by none.
set(sentence "weft's kernels (NaN, infinities, exact rounding) do not survive")
foreach(header IN LISTS declarations)
  refused(${header} "" -std=c++20 -fsyntax-only -ffast-math)
endforeach()
foreach(header IN LISTS computing)
  refused(${header} "${sentence}" -std=c++20 -E -ffinite-math-only)
endforeach()
foreach(header IN LISTS units ITEMS weft/static-inl.h)
  refused(${header} "${sentence}" -std=c++20 -E -ffast-math)
endforeach()
refused(weft/static-inl.h "${sentence}" -std=c++20 -E -Ofast)
refused(weft/static-inl.h "" -std=c++20 -E -ffast-math -fno-fast-math)

# Languages.
foreach(header IN LISTS declarations ITEMS weft/static-inl.h weft/formats/formats.h weft/drivers/matmul.h)
  refused(${header} "weft needs C++20" -std=c++17 -fsyntax-only)
endforeach()
foreach(header IN LISTS units)
  refused(${header} "weft needs C++20" -std=c++17 -E)
endforeach()
refused(weft/weft.h "weft needs C++20" -x c -fsyntax-only)

# 32 bits. The system's headers for them may be missing: those for 64 will do to get as far as the refusal.
if(PROCESSOR STREQUAL x86_64)
  file(WRITE "${WORK}/32/gnu/stubs-32.h" "")
  list(TRANSFORM SYSTEM_INCLUDES PREPEND "-idirafter")
  refused(weft/weft.h "weft needs a 64-bit target" -std=c++20 -fsyntax-only -m32 -isystem "${WORK}/32" ${SYSTEM_INCLUDES})
endif()
# Targets. Another architecture: what this one is known by is undefined. The system's headers may not like it, but the
# first error counts.
if(PROCESSOR STREQUAL x86_64)
  set(undefined -U__x86_64__ -U__amd64__)
  set(baseline SSE2)
  set(best AVX3_ZEN4)
  set(foreign NEON)
else()
  set(undefined -U__aarch64__)
  set(baseline NEON)
  set(best NEON_BF16)
  set(foreign AVX2)
endif()
foreach(header IN LISTS units)
  refused(${header} "weft has no targets for this architecture" -std=c++20 -E ${undefined})
  refused(${header} "" -std=c++20 -E -DWEFT_TARGET_${baseline}=1)
endforeach()
refused(weft/instantiate/registry.inc "weft: Highway would compile more targets than the list has rows for" -std=c++20 -E
  -DHWY_DISABLED_TARGETS=0)
refused(weft/instantiate/registry.inc "no target that is asked for runs on every CPU" -std=c++20 -E
  -DWEFT_TARGET_${best}=1)
refused(weft/instantiate/targets.h "none of the targets that WEFT_TARGET_... ask for belongs" -std=c++20 -E
  -DWEFT_TARGET_${foreign}=1)
refused(weft/static-inl.h "weft has no kernels for this instruction set" -std=c++20 -E -DHWY_DISABLED_TARGETS=~HWY_EMU128
  -DHWY_BROKEN_EMU128=0)
refused(weft/static-inl.h "" -std=c++20 -fsyntax-only -DHWY_COMPILE_ONLY_EMU128 -DHWY_BROKEN_EMU128=0)
message(STATUS "${count} combinations checked")
