# What weft says, and where it finds Highway, when a project is configured. Nothing is compiled. Run by ctest with
#   PREFIX (where weft is installed), TREE (weft's sources), HIGHWAY (a source tree), COMPILER, GENERATOR, WORK (a folder)
set(project "${CMAKE_CURRENT_LIST_DIR}/configure")
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}/empty" "${WORK}/cached/weft" "${WORK}/old/hwy")
file(CREATE_LINK "${HIGHWAY}" "${WORK}/cached/weft/highway-1.3.0" SYMBOLIC)
file(WRITE "${WORK}/old/hwy/base.h" "#define HWY_MAJOR 1\n#define HWY_MINOR 2\n#define HWY_PATCH 0\n")
file(WRITE "${WORK}/other.tar.gz" "not Highway")
set(nowhere "file://${WORK}/nowhere.tar.gz")

# configure(name GOOD|BAD text option...): the outcome, and what the output must contain (line ends count as spaces).
function(configure name outcome text)
  # No package of the system and no variable of the user may change the answer.
  execute_process(COMMAND "${CMAKE_COMMAND}" -E env --unset=WEFT_HIGHWAY_DIR "XDG_CACHE_HOME=${cache}"
    "${CMAKE_COMMAND}" -S "${project}" -B "${WORK}/${name}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    -DLANGUAGES=CXX -DCMAKE_DISABLE_FIND_PACKAGE_hwy=ON "-DWEFT_HIGHWAY_URL=${nowhere}" ${ARGN}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " flat "${output}")
  string(FIND "${flat}" "${text}" at)
  if((outcome STREQUAL GOOD AND NOT status EQUAL 0) OR (outcome STREQUAL BAD AND status EQUAL 0) OR at EQUAL -1)
    message(SEND_ERROR "${name} should be ${outcome} and say '${text}', but:\n${output}")
  endif()
endfunction()

set(installed "-DCMAKE_PREFIX_PATH=${PREFIX}")
set(subproject "-DWEFT_TREE=${TREE}")

# Highway: where it comes from.
set(cache "${WORK}/empty")
configure(bundled GOOD "weft: Highway from ${PREFIX}" ${installed})
configure(named GOOD "weft: Highway from ${HIGHWAY}" ${subproject} "-DWEFT_HIGHWAY_DIR=${HIGHWAY}")
configure(nothing BAD "Set WEFT_HIGHWAY_DIR to a Highway source tree" ${subproject})
configure(disconnected BAD "FETCHCONTENT_FULLY_DISCONNECTED is set Set WEFT_HIGHWAY_DIR" ${subproject}
  -DFETCHCONTENT_FULLY_DISCONNECTED=ON)
configure(other_archive BAD "another file than the published one" ${subproject}
  "-DWEFT_HIGHWAY_URL=file://${WORK}/other.tar.gz")
configure(old_target BAD "has version 1.2.0, needed: 1.3" ${installed} "-DFAKE_HIGHWAY=${WORK}/old")
configure(target GOOD "weft: Highway from the target hwy, ${HIGHWAY}" ${installed} "-DFAKE_HIGHWAY=${HIGHWAY}")
set(cache "${WORK}/cached")
configure(cached GOOD "weft: Highway from ${WORK}/cached/weft/highway-1.3.0" ${subproject})

# What weft cannot do.
configure(c_only BAD "weft is C++; add CXX to the languages" ${installed} -DLANGUAGES=C)
configure(c_only_subproject BAD "weft is C++; add CXX to the languages" ${subproject} -DLANGUAGES=C)
configure(old_cmake BAD "weft needs CMake 3.25 or later, this is 3.20.5" ${installed} -DPRETENDED_VERSION=3.20.5)
configure(format BAD "unknown format 'q9_9'" ${installed} "-DKERNELS=FORMATS\\;q9_9")
configure(target_name BAD "unknown target 'AVX9'" ${installed} "-DKERNELS=TARGETS\\;AVX9")
configure(name_space BAD "the namespace '7up' of my_kernels is no identifier" ${installed} "-DKERNELS=NAMESPACE\\;7up")
configure(two_in_one BAD "\"other_kernels\" does not agree with the value of WEFT_NAMESPACE" ${installed} -DSECOND=ON)
