# An engine that links weft is built and installed as a package; another project finds it there, links it and runs. Run by
# ctest with PREFIX (where weft is installed), COMPILER, GENERATOR, TARGETS (of the kernels) and WORK (a folder).
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(options -G "${GENERATOR}" -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_FLAGS=-Wall -Wextra"
  -DCMAKE_COMPILE_WARNING_AS_ERROR=ON)
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/exported/engine" -B "${WORK}/engine" ${options}
  "-DCMAKE_PREFIX_PATH=${PREFIX}" "-DENGINE_TARGETS=${TARGETS}")
run("${CMAKE_COMMAND}" --build "${WORK}/engine" --parallel 2)
run("${CMAKE_COMMAND}" --install "${WORK}/engine" --prefix "${WORK}/prefix")
# Lists are one argument here.
string(REPLACE ";" "\\;" prefixes "${WORK}/prefix;${PREFIX}")
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/exported/user" -B "${WORK}/user" ${options}
  "-DCMAKE_PREFIX_PATH=${prefixes}")
run("${CMAKE_COMMAND}" --build "${WORK}/user" --parallel 2)
run("${WORK}/user/consumer")
