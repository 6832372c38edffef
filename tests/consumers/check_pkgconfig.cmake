# The static program again, with what pkg-config says, from an installation that was moved to a folder with a space. Run by
# ctest with PREFIX (where weft is installed), PKG_CONFIG, COMPILER, WORK (a folder).
file(REMOVE_RECURSE "${WORK}")
file(COPY "${PREFIX}/include" "${PREFIX}/share" DESTINATION "${WORK}/moved here")
set(ENV{PKG_CONFIG_PATH} "${WORK}/moved here/share/pkgconfig")
execute_process(COMMAND "${PKG_CONFIG}" --cflags "weft >= 0.1" OUTPUT_VARIABLE flags
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
message(STATUS "${flags}")
execute_process(COMMAND ${COMPILER} -O1 -march=native -DHWY_HEADER_ONLY ${flags}
  "${CMAKE_CURRENT_LIST_DIR}/static/main.cc" -o "${WORK}/consumer" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${WORK}/consumer" COMMAND_ERROR_IS_FATAL ANY)
