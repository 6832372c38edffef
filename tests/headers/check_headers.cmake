# Checks that headers compile alone, twice in a row and without warnings. Run by ctest with
#   KIND       plain: every .h, without Highway at hand, and none may reach it, wherever it is installed
#              inl: every -inl.h, as code for one target
#   COMPILER, FLAGS, INCLUDE (weft's include folder), HIGHWAY (its include folder), WORK (a folder to write to)

# Sets `result` to what is wrong with #include "header", empty if nothing.
function(check_header header result)
  set(probe "${WORK}/probe.cc")
  file(WRITE "${probe}" "#include \"${header}\"\n#include \"${header}\"\n")
  execute_process(
    COMMAND ${COMPILER} ${FLAGS} -std=c++20 -Wall -Wextra -Werror -fsyntax-only -H ${ARGN} "${probe}"
    RESULT_VARIABLE status ERROR_VARIABLE output OUTPUT_VARIABLE output)
  set(${result} "" PARENT_SCOPE)
  if(NOT status EQUAL 0)
    string(REGEX REPLACE "(^|\n)\\.+ [^\n]*" "" output "${output}")  # the include tree
    set(${result} "does not compile alone:\n${output}" PARENT_SCOPE)
  elseif(KIND STREQUAL plain AND output MATCHES "\n(\\.+ [^\n]*/hwy/[^\n]*)")
    set(${result} "reaches Highway: ${CMAKE_MATCH_1}" PARENT_SCOPE)
  endif()
endfunction()

file(MAKE_DIRECTORY "${WORK}")
file(GLOB_RECURSE headers RELATIVE "${INCLUDE}" "${INCLUDE}/weft/*.h")
if(KIND STREQUAL plain)
  list(FILTER headers EXCLUDE REGEX "-inl\\.h$")
  set(folders "-I${INCLUDE}")
  # That the check finds what it looks for:
  check_header(hwy/base.h problem ${folders} -isystem "${HIGHWAY}")
  if(NOT problem MATCHES "^reaches Highway")
    message(FATAL_ERROR "hwy/base.h itself should be found to reach Highway, but the check says: '${problem}'")
  endif()
else()
  list(FILTER headers INCLUDE REGEX "-inl\\.h$")
  set(folders "-I${INCLUDE}" -isystem "${HIGHWAY}")
endif()

set(bad 0)
foreach(header IN LISTS headers)
  check_header(${header} problem ${folders})
  if(problem)
    message(SEND_ERROR "${header} ${problem}")
    math(EXPR bad "${bad} + 1")
  endif()
endforeach()
list(LENGTH headers count)
if(count EQUAL 0)
  message(FATAL_ERROR "no headers in ${INCLUDE}")
endif()
message(STATUS "${count} headers, ${bad} of them wrong")
