# Finds Highway 1.3 or later and defines
#   weft::highway_headers   its headers, nothing to link
#   weft::highway           the headers and what run-time dispatch links (CPU detection, abort messages)
#   weft::highway_threads   in addition its thread pool
#
# In this order: WEFT_HIGHWAY_DIR (a source tree; a CMake or an environment variable), the target hwy::hwy or hwy that
# the project has already (by add_subdirectory, FetchContent or find_package), the tree inside an installed weft
# (WEFT_BUNDLED_HIGHWAY_DIR), find_package(hwy), the tree that weft's scripts/setup.sh has cached, and last the release
# archive from WEFT_HIGHWAY_URL. Headers and library always come from the same place: the library of an older system
# package would link silently and then choose other targets. WEFT_HIGHWAY_SOURCE is set to the source tree, or empty.
#
# The three are imported targets, so that whoever links them can be exported: the export names them, and the importing
# project's find_package(weft) defines them there.
include_guard(DIRECTORY)

set(WEFT_HIGHWAY_DIR "$ENV{WEFT_HIGHWAY_DIR}" CACHE PATH "Highway source tree to use (empty: find or download one)")
set(WEFT_HIGHWAY_URL https://github.com/google/highway/archive/refs/tags/1.3.0.tar.gz CACHE STRING
  "Where to download Highway's release archive from, if it is not found")
mark_as_advanced(WEFT_HIGHWAY_URL)
set(WEFT_HIGHWAY_SHA256 07b3c1ba2c1096878a85a31a5b9b3757427af963b1141ca904db2f9f4afe0bc2)
# The compiled part: of run-time dispatch, and of the thread pool.
set(WEFT_HIGHWAY_CORE abort.cc per_target.cc targets.cc)
set(WEFT_HIGHWAY_THREADS aligned_allocator.cc profiler.cc stats.cc timer.cc
  contrib/sort/vqsort.cc contrib/sort/vqsort_f64a.cc contrib/thread_pool/topology.cc)

# Stops unless the headers in `folder` are Highway 1.x with x >= 3, and `expected` (if given) is their version.
function(_weft_check_highway_headers folder expected)
  if(NOT EXISTS "${folder}/hwy/base.h")
    message(FATAL_ERROR "weft: ${folder} is not a Highway source tree (it has no hwy/base.h)")
  endif()
  file(STRINGS "${folder}/hwy/base.h" lines REGEX "^#define HWY_(MAJOR|MINOR|PATCH) [0-9]+")
  string(REGEX REPLACE "[^0-9;]" "" version "${lines}")
  string(REPLACE ";" "." version "${version}")
  if(NOT version MATCHES "^1\\." OR version VERSION_LESS 1.3)
    message(FATAL_ERROR "weft: Highway in ${folder} has version ${version}, needed: 1.3 or a later 1.x "
      "(WEFT_HIGHWAY_DIR names the source tree of another)")
  endif()
  if(expected AND NOT version VERSION_EQUAL expected)
    message(FATAL_ERROR "weft: Highway's headers in ${folder} have version ${version}, but the library has ${expected}")
  endif()
endfunction()

# _weft_imported(name target...): weft::name, which links the targets.
function(_weft_imported name)
  add_library(weft::${name} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(weft::${name} INTERFACE ${ARGN})
endfunction()

function(_weft_highway_from_source folder)
  _weft_check_highway_headers("${folder}" "")
  message(STATUS "weft: Highway from ${folder}")
  find_package(Threads REQUIRED)

  _weft_imported(highway_headers)
  target_include_directories(weft::highway_headers INTERFACE "${folder}")

  list(TRANSFORM WEFT_HIGHWAY_CORE PREPEND "${folder}/hwy/" OUTPUT_VARIABLE core)
  add_library(weft_highway STATIC EXCLUDE_FROM_ALL ${core})
  target_link_libraries(weft_highway PUBLIC weft::highway_headers)

  list(TRANSFORM WEFT_HIGHWAY_THREADS PREPEND "${folder}/hwy/" OUTPUT_VARIABLE threads)
  add_library(weft_highway_threads STATIC EXCLUDE_FROM_ALL ${threads})
  target_link_libraries(weft_highway_threads PUBLIC weft_highway Threads::Threads)
  # The pool's tuner sorts a few dozen doubles: for that one target is plenty, and ten times faster to compile.
  set_source_files_properties("${folder}/hwy/contrib/sort/vqsort_f64a.cc"
    PROPERTIES COMPILE_DEFINITIONS HWY_COMPILE_ONLY_STATIC)

  foreach(library highway highway_threads)
    target_compile_features(weft_${library} PUBLIC cxx_std_17)
    set_target_properties(weft_${library} PROPERTIES
      POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
      CXX_CLANG_TIDY "" COMPILE_WARNING_AS_ERROR OFF UNITY_BUILD OFF)
    _weft_imported(${library} weft_${library})
  endforeach()
  set(WEFT_HIGHWAY_SOURCE "${folder}" PARENT_SCOPE)
endfunction()

# From a target of Highway's own build or package; `version`: of its library, if that is known.
function(_weft_highway_from_target target version)
  get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
  string(REGEX REPLACE "\\$<BUILD_INTERFACE:([^>]*)>" "\\1" folders "${folders}")
  set(found "")
  foreach(folder IN LISTS folders)
    if(EXISTS "${folder}/hwy/base.h")
      set(found "${folder}")
      break()
    endif()
  endforeach()
  if(NOT found)
    message(FATAL_ERROR "weft: the target ${target} has no include folder with hwy/base.h. Set WEFT_HIGHWAY_DIR to a "
      "Highway source tree to use instead.")
  endif()
  _weft_check_highway_headers("${found}" "${version}")
  message(STATUS "weft: Highway from the target ${target}, ${found}")
  _weft_imported(highway_headers)
  foreach(property INCLUDE_DIRECTORIES COMPILE_DEFINITIONS)
    set_property(TARGET weft::highway_headers PROPERTY
      INTERFACE_${property} "$<TARGET_PROPERTY:${target},INTERFACE_${property}>")
  endforeach()
  _weft_imported(highway ${target})
  _weft_imported(highway_threads ${target} $<TARGET_NAME_IF_EXISTS:${target}_contrib>)
  if(NOT EXISTS "${found}/hwy/targets.cc")
    set(found "")
  endif()
  set(WEFT_HIGHWAY_SOURCE "${found}" PARENT_SCOPE)
endfunction()

# Sets `result` to where the release archive has been unpacked.
function(_weft_download_highway result cache)
  set(folder "${CMAKE_BINARY_DIR}/_deps/weft-highway-1.3.0")
  set(${result} "${folder}" PARENT_SCOPE)
  if(EXISTS "${folder}/hwy/base.h")
    return()
  endif()
  if(FETCHCONTENT_FULLY_DISCONNECTED)
    set(problem "FETCHCONTENT_FULLY_DISCONNECTED is set")
  else()
    message(STATUS "weft: no Highway >= 1.3 found, downloading ${WEFT_HIGHWAY_URL}")
    file(DOWNLOAD "${WEFT_HIGHWAY_URL}" "${folder}.tar.gz" STATUS status TIMEOUT 300 INACTIVITY_TIMEOUT 30)
    list(POP_FRONT status code problem)
    if(code EQUAL 0)
      set(problem "")
      file(SHA256 "${folder}.tar.gz" hash)
      if(NOT hash STREQUAL WEFT_HIGHWAY_SHA256)
        set(problem "it gave another file than the published one (SHA-256 ${hash})")
      endif()
    endif()
  endif()
  if(problem)
    message(FATAL_ERROR "weft: no Highway 1.3 or later was found, and ${WEFT_HIGHWAY_URL} was not downloaded: "
      "${problem}\nSet WEFT_HIGHWAY_DIR to a Highway source tree, or add one to the project before weft "
      "(add_subdirectory), or install Highway's package, or run weft's scripts/setup.sh once, which puts one in ${cache}.")
  endif()
  # Only the files: Highway's own build (tests, install rules) stays out.
  file(ARCHIVE_EXTRACT INPUT "${folder}.tar.gz" DESTINATION "${folder}.new")
  file(GLOB unpacked "${folder}.new/*")
  file(RENAME "${unpacked}" "${folder}")
endfunction()

function(_weft_find_highway)
  # Where weft's scripts/setup.sh puts it.
  set(cache "$ENV{XDG_CACHE_HOME}")
  if(NOT cache)
    set(cache "$ENV{HOME}/.cache")
  endif()
  string(APPEND cache "/weft/highway-1.3.0")

  if(WEFT_HIGHWAY_DIR)
    get_filename_component(folder "${WEFT_HIGHWAY_DIR}" ABSOLUTE BASE_DIR "${CMAKE_SOURCE_DIR}")
    _weft_highway_from_source("${folder}")
  elseif(TARGET hwy::hwy)
    _weft_highway_from_target(hwy::hwy "")
  elseif(TARGET hwy)
    _weft_highway_from_target(hwy "")
  elseif(WEFT_BUNDLED_HIGHWAY_DIR)
    _weft_highway_from_source("${WEFT_BUNDLED_HIGHWAY_DIR}")
  else()
    find_package(hwy 1.3 CONFIG QUIET GLOBAL)
    if(hwy_FOUND)
      _weft_highway_from_target(hwy::hwy "${hwy_VERSION}")
    elseif(EXISTS "${cache}/hwy/highway.h")
      _weft_highway_from_source("${cache}")
    else()
      _weft_download_highway(folder "${cache}")
      _weft_highway_from_source("${folder}")
    endif()
  endif()
  set(WEFT_HIGHWAY_SOURCE "${WEFT_HIGHWAY_SOURCE}" PARENT_SCOPE)
endfunction()

if(NOT TARGET weft::highway)
  _weft_find_highway()
endif()
