include(CMakeFindDependencyMacro)
find_dependency(weft 0.1)
include("${CMAKE_CURRENT_LIST_DIR}/engine_targets.cmake")
