# weft_add_kernels(name [FORMATS format...] [TARGETS target...] [NAMESPACE identifier])
#
# Adds the static library `name`: weft's kernels for the given formats (all by default: f32 q8_0 q4_k ...), compiled for
# the given targets (instruction sets, chosen from at run time), one compilation unit per format and kind of kernel.
#   target_link_libraries(engine PRIVATE name)      then #include <weft/weft.h> and call
# Targets: SSE2 AVX2 AVX2_VNNI AVX3_DL AVX3_ZEN4 on x86-64, NEON NEON_DOTPROD NEON_BF16 on aarch64 (each all by default, as
# far as the compiler can; SSE2 or NEON must be among them unless the compiler's flags demand more of the CPU), or EMU128
# alone: portable C++, for tests.
#
# A program may link several such libraries, static or inside shared ones: what each defines is in an inline namespace of
# its own, lib_NAME unless NAMESPACE says otherwise, and code that says weft::MatMul gets that of the library its target
# links. So the parts of a program link their kernels PRIVATE; a target that links two is an error when the build is
# generated.
include_guard(GLOBAL)

set_property(GLOBAL PROPERTY WEFT_INCLUDE_DIR "${WEFT_INCLUDE_DIR}")

# The names of all formats, from the only list there is.
function(weft_known_formats result)
  get_property(include_dir GLOBAL PROPERTY WEFT_INCLUDE_DIR)
  set(list "${include_dir}/weft/formats/list.inc")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list}")
  file(STRINGS "${list}" lines REGEX "^#include WEFT_FORMAT_FILE\\(")
  list(TRANSFORM lines REPLACE "^#include WEFT_FORMAT_FILE\\(([a-z0-9_]+)\\).*" "\\1")
  set(${result} "${lines}" PARENT_SCOPE)
endfunction()

# The targets that kernels are compiled for unless the caller says otherwise: all of the architecture, from the only list
# there is. Empty where weft has none.
function(weft_default_targets result)
  get_property(include_dir GLOBAL PROPERTY WEFT_INCLUDE_DIR)
  set(list "${include_dir}/weft/instantiate/target_list.h")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list}")
  set(targets "")
  set(macro "no architecture of weft's")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(macro WEFT_TARGETS_X86)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(macro WEFT_TARGETS_ARM64)
  endif()
  file(READ "${list}" text)
  if(text MATCHES "#define ${macro}\\(X\\)[^#]*")
    string(REGEX MATCHALL "X\\([A-Z0-9_]+," targets "${CMAKE_MATCH_0}")
    list(TRANSFORM targets REPLACE "X\\((.*)," "\\1")
    list(REVERSE targets)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13.2)
    list(REMOVE_ITEM targets NEON_BF16)
  endif()
  set(${result} "${targets}" PARENT_SCOPE)
endfunction()

# Tells the compilation units of `name` which targets to compile (see weft/instantiate/targets.h).
function(weft_set_targets name)
  weft_default_targets(native)
  set(known ${native} EMU128)
  list(REMOVE_DUPLICATES known)
  set(targets ${ARGN})
  if(NOT targets)
    set(targets ${native})
  endif()
  if(NOT targets)
    message(FATAL_ERROR "weft: no targets for ${CMAKE_SYSTEM_PROCESSOR}. TARGETS EMU128 compiles ${name} as portable C++, "
      "which is slow")
  endif()
  list(REMOVE_DUPLICATES targets)
  foreach(target IN LISTS targets)
    if(NOT target IN_LIST known)
      list(JOIN known " " known)
      message(FATAL_ERROR "weft: unknown target '${target}' for ${name}; for this machine and compiler: ${known}")
    endif()
  endforeach()
  list(LENGTH targets count)
  if("EMU128" IN_LIST targets AND count GREATER 1)
    message(FATAL_ERROR "weft: EMU128 must be the only target of ${name}: it takes the place of the others")
  endif()
  list(TRANSFORM targets PREPEND "WEFT_TARGET_" OUTPUT_VARIABLE definitions)
  list(TRANSFORM definitions APPEND "=1")
  target_compile_definitions(${name} PRIVATE ${definitions})
  set_target_properties(${name} PROPERTIES WEFT_TARGETS "${targets}")
endfunction()

# Writes one compilation unit and appends its path to `result`.
function(_weft_add_unit result folder unit)
  list(JOIN ARGN "\n" text)
  set(path "${folder}/${unit}.cc")
  file(CONFIGURE OUTPUT "${path}" CONTENT "${text}\n" @ONLY)  # leaves the file alone where nothing changed
  set(${result} ${${result}} "${path}" PARENT_SCOPE)
endfunction()

function(weft_add_kernels name)
  if(NOT CMAKE_CXX_COMPILER_LOADED)
    message(FATAL_ERROR "weft_add_kernels(${name}): weft is C++; add CXX to the languages of this folder's project()")
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "NAMESPACE" "FORMATS;TARGETS")
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "weft_add_kernels(${name} [FORMATS format...] [TARGETS target...] [NAMESPACE identifier]): "
      "what is "
      "'${arg_UNPARSED_ARGUMENTS}${arg_KEYWORDS_MISSING_VALUES}'?")
  endif()
  weft_known_formats(known)
  if(NOT arg_FORMATS)
    set(arg_FORMATS ${known})
  endif()
  list(REMOVE_DUPLICATES arg_FORMATS)

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}.units")
  set(units)
  set(formats "#define WEFT_FORMATS(X)")
  foreach(format IN LISTS arg_FORMATS)
    if(NOT format IN_LIST known)
      list(JOIN known " " known)
      message(FATAL_ERROR "weft: unknown format '${format}' for ${name}; known: ${known}")
    endif()
    _weft_add_unit(units "${folder}" "format_${format}"
      "#define WEFT_FORMAT ${format}" "#include <weft/instantiate/format.inc>")
    string(APPEND formats " X(${format})")
  endforeach()
  foreach(kind tile ops attention)
    _weft_add_unit(units "${folder}" "${kind}" "#include <weft/instantiate/${kind}.inc>")
  endforeach()
  _weft_add_unit(units "${folder}" "registry" "${formats}" "#include <weft/instantiate/registry.inc>")

  add_library(${name} STATIC ${units})
  weft_set_targets(${name} ${arg_TARGETS})
  target_link_libraries(${name} PUBLIC weft::weft PRIVATE weft::highway)
  # Those who call the library are compiled for it (weft/core/config.h).
  if(NOT arg_NAMESPACE)
    string(MAKE_C_IDENTIFIER "lib_${name}" arg_NAMESPACE)
  endif()
  if(NOT arg_NAMESPACE MATCHES "^[A-Za-z][A-Za-z0-9_]*$")
    message(FATAL_ERROR "weft: the namespace '${arg_NAMESPACE}' of ${name} is no identifier of C++")
  endif()
  target_compile_definitions(${name} PUBLIC "WEFT_NAMESPACE=${arg_NAMESPACE}")
  set_target_properties(${name} PROPERTIES INTERFACE_WEFT_NAMESPACE "${arg_NAMESPACE}")
  set_property(TARGET ${name} APPEND PROPERTY COMPATIBLE_INTERFACE_STRING WEFT_NAMESPACE)
  # Kernels without optimisation are a hundred times slower, which nobody wants of a debug build.
  target_compile_options(${name} PRIVATE "$<$<OR:$<CONFIG:>,$<CONFIG:Debug>>:-O2>")
  # The rest of a program may be compiled with -ffast-math or -Ofast; kernels are not (weft/core/strict_math.h).
  target_compile_options(${name} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-fno-fast-math>")
  # A unit sees all of Highway once per target: it must come first in its file and alone.
  set_source_files_properties(${units} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON)
  set_target_properties(${name} PROPERTIES
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON
    DISABLE_PRECOMPILE_HEADERS ON UNITY_BUILD OFF WEFT_FORMATS "${arg_FORMATS}")
endfunction()
