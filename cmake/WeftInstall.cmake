# What `cmake --install` installs: headers, the package files, the parts of Highway that they need (so that an installed
# weft needs nothing else), and the weft program. Nothing but the program depends on the machine's architecture.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/weft")
install(DIRECTORY include/weft DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES cmake/WeftLibrary.cmake cmake/WeftHighway.cmake cmake/WeftKernels.cmake DESTINATION "${package_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(bundled_highway_dir "${CMAKE_INSTALL_DATADIR}/weft/highway")
if(WEFT_HIGHWAY_SOURCE)
  install(DIRECTORY "${WEFT_HIGHWAY_SOURCE}/hwy" DESTINATION "${bundled_highway_dir}"
    FILES_MATCHING PATTERN "*.h" PATTERN tests EXCLUDE PATTERN examples EXCLUDE)
  foreach(source IN LISTS WEFT_HIGHWAY_CORE WEFT_HIGHWAY_THREADS)
    get_filename_component(folder "hwy/${source}" DIRECTORY)
    install(FILES "${WEFT_HIGHWAY_SOURCE}/hwy/${source}" DESTINATION "${bundled_highway_dir}/${folder}")
  endforeach()
  install(FILES "${WEFT_HIGHWAY_SOURCE}/LICENSE" DESTINATION "${bundled_highway_dir}")
endif()

configure_package_config_file(cmake/weftConfig.cmake.in "${PROJECT_BINARY_DIR}/weftConfig.cmake"
  INSTALL_DESTINATION "${package_dir}"
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR bundled_highway_dir NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/weftConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/weftConfig.cmake" "${PROJECT_BINARY_DIR}/weftConfigVersion.cmake"
  DESTINATION "${package_dir}")

# The same for build systems other than CMake. It finds the prefix from where it lies itself, so that this may be moved.
set(pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")
if(IS_ABSOLUTE "${pkgconfig_dir}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH pc_prefix "/${pkgconfig_dir}" "/")
  string(REGEX REPLACE "^(.*)/$" "\${pcfiledir}/\\1" pc_prefix "${pc_prefix}")
endif()
set(pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
set(pc_highwaydir "${bundled_highway_dir}")
foreach(folder pc_includedir pc_highwaydir)
  if(NOT IS_ABSOLUTE "${${folder}}")
    string(PREPEND ${folder} "\${prefix}/")
  endif()
endforeach()
set(pc_requires "")
set(pc_highway_flag " -isystem\${highwaydir}")
if(NOT WEFT_HIGHWAY_SOURCE)
  set(pc_requires "libhwy >= 1.3")
  set(pc_highwaydir "")
  set(pc_highway_flag "")
endif()
configure_file(cmake/weft.pc.in "${PROJECT_BINARY_DIR}/weft.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/weft.pc" DESTINATION "${pkgconfig_dir}")

if(TARGET weft)
  install(TARGETS weft RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
