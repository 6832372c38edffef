# Finds Highway 1.3 or later and defines
#   weft::highway_headers   its headers, nothing to link
#   weft::highway           the headers and what run-time dispatch links (CPU detection, abort messages)
#   weft::highway_threads   in addition its thread pool
#
# In this order: WEFT_HIGHWAY_DIR (a source tree), the tree inside an installed weft (WEFT_BUNDLED_HIGHWAY_DIR),
# find_package(hwy), the release archive from GitHub. Headers and library always come from the same place: the library
# of an older system package would link silently and then choose other targets. WEFT_HIGHWAY_SOURCE is set to the source
# tree, or empty.
include_guard(DIRECTORY)

set(WEFT_HIGHWAY_URL https://github.com/google/highway/archive/refs/tags/1.3.0.tar.gz)
set(WEFT_HIGHWAY_SHA256 07b3c1ba2c1096878a85a31a5b9b3757427af963b1141ca904db2f9f4afe0bc2)
# The compiled part: of run-time dispatch, and of the thread pool.
set(WEFT_HIGHWAY_CORE abort.cc per_target.cc targets.cc)
set(WEFT_HIGHWAY_THREADS aligned_allocator.cc profiler.cc stats.cc timer.cc
  contrib/sort/vqsort.cc contrib/sort/vqsort_f64a.cc contrib/thread_pool/topology.cc)
set(WEFT_HIGHWAY_DIR "" CACHE PATH "Highway source tree to use (empty: find or download one)")

# Stops unless the headers in `folder` are Highway 1.x with x >= 3, and `expected` (if given) is their version.
function(_weft_check_highway_headers folder expected)
  if(NOT EXISTS "${folder}/hwy/base.h")
    message(FATAL_ERROR "weft: ${folder} is not a Highway source tree (it has no hwy/base.h)")
  endif()
  file(STRINGS "${folder}/hwy/base.h" lines REGEX "^#define HWY_(MAJOR|MINOR|PATCH) [0-9]+")
  string(REGEX REPLACE "[^0-9;]" "" version "${lines}")
  string(REPLACE ";" "." version "${version}")
  if(NOT version MATCHES "^1\\." OR version VERSION_LESS 1.3)
    message(FATAL_ERROR "weft: Highway in ${folder} has version ${version}, needed: 1.3 or a later 1.x")
  endif()
  if(expected AND NOT version VERSION_EQUAL expected)
    message(FATAL_ERROR "weft: Highway's headers in ${folder} have version ${version}, but the library has ${expected}")
  endif()
endfunction()

function(_weft_highway_from_source folder)
  _weft_check_highway_headers("${folder}" "")
  message(STATUS "weft: Highway from ${folder}")
  find_package(Threads REQUIRED)

  add_library(weft_highway_headers INTERFACE)
  target_include_directories(weft_highway_headers SYSTEM INTERFACE "${folder}")

  list(TRANSFORM WEFT_HIGHWAY_CORE PREPEND "${folder}/hwy/" OUTPUT_VARIABLE core)
  add_library(weft_highway STATIC EXCLUDE_FROM_ALL ${core})
  target_link_libraries(weft_highway PUBLIC weft_highway_headers)

  list(TRANSFORM WEFT_HIGHWAY_THREADS PREPEND "${folder}/hwy/" OUTPUT_VARIABLE threads)
  add_library(weft_highway_threads STATIC EXCLUDE_FROM_ALL ${threads})
  target_link_libraries(weft_highway_threads PUBLIC weft_highway Threads::Threads)
  # The pool's tuner sorts a few dozen doubles: for that one target is plenty, and ten times faster to compile.
  set_source_files_properties("${folder}/hwy/contrib/sort/vqsort_f64a.cc"
    PROPERTIES COMPILE_DEFINITIONS HWY_COMPILE_ONLY_STATIC)

  foreach(target weft_highway weft_highway_threads)
    target_compile_features(${target} PUBLIC cxx_std_17)
    set_target_properties(${target} PROPERTIES
      POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
      CXX_CLANG_TIDY "" COMPILE_WARNING_AS_ERROR OFF UNITY_BUILD OFF)
  endforeach()
  foreach(target highway_headers highway highway_threads)
    add_library(weft::${target} ALIAS weft_${target})
  endforeach()
  set(WEFT_HIGHWAY_SOURCE "${folder}" PARENT_SCOPE)
endfunction()

function(_weft_highway_from_package)
  get_target_property(folders hwy::hwy INTERFACE_INCLUDE_DIRECTORIES)
  foreach(folder IN LISTS folders)
    if(EXISTS "${folder}/hwy/base.h")
      _weft_check_highway_headers("${folder}" "${hwy_VERSION}")
      break()
    endif()
  endforeach()
  message(STATUS "weft: Highway ${hwy_VERSION} from ${hwy_DIR}")
  add_library(weft_highway_headers INTERFACE)
  target_include_directories(weft_highway_headers SYSTEM INTERFACE
    "$<TARGET_PROPERTY:hwy::hwy,INTERFACE_INCLUDE_DIRECTORIES>")
  target_compile_definitions(weft_highway_headers INTERFACE
    "$<TARGET_PROPERTY:hwy::hwy,INTERFACE_COMPILE_DEFINITIONS>")
  add_library(weft::highway_headers ALIAS weft_highway_headers)
  add_library(weft_highway INTERFACE)
  target_link_libraries(weft_highway INTERFACE hwy::hwy)
  add_library(weft::highway ALIAS weft_highway)
  add_library(weft_highway_threads INTERFACE)
  target_link_libraries(weft_highway_threads INTERFACE hwy::hwy $<TARGET_NAME_IF_EXISTS:hwy::hwy_contrib>)
  add_library(weft::highway_threads ALIAS weft_highway_threads)
  set(WEFT_HIGHWAY_SOURCE "" PARENT_SCOPE)
endfunction()

if(NOT TARGET weft::highway)
  if(WEFT_HIGHWAY_DIR)
    get_filename_component(_weft_highway_dir "${WEFT_HIGHWAY_DIR}" ABSOLUTE BASE_DIR "${CMAKE_SOURCE_DIR}")
    _weft_highway_from_source("${_weft_highway_dir}")
  elseif(WEFT_BUNDLED_HIGHWAY_DIR AND NOT TARGET hwy::hwy)
    _weft_highway_from_source("${WEFT_BUNDLED_HIGHWAY_DIR}")
  else()
    find_package(hwy 1.3 CONFIG QUIET GLOBAL)
    if(hwy_FOUND)
      _weft_highway_from_package()
    else()
      message(STATUS "weft: no Highway >= 1.3 installed, downloading ${WEFT_HIGHWAY_URL}")
      include(FetchContent)
      # Only the files: a subfolder without a CMakeLists.txt keeps Highway's own build (tests, install rules) out.
      FetchContent_Declare(weft_highway_source URL "${WEFT_HIGHWAY_URL}" URL_HASH SHA256=${WEFT_HIGHWAY_SHA256}
        DOWNLOAD_EXTRACT_TIMESTAMP OFF SOURCE_SUBDIR hwy)
      FetchContent_MakeAvailable(weft_highway_source)
      _weft_highway_from_source("${weft_highway_source_SOURCE_DIR}")
    endif()
  endif()
endif()
