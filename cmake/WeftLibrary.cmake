# Defines weft::weft and weft_add_kernels(): the same lines for weft's own build and for an installed weft.
# WEFT_INCLUDE_DIR is the folder that holds weft/weft.h.
include("${CMAKE_CURRENT_LIST_DIR}/WeftHighway.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/WeftKernels.cmake")

# The headers, and Highway's for those who include weft's -inl.h files. Nothing to link. Imported, so that targets which
# link it can be exported; yet no system headers: weft's are clean under the warnings of those who include them.
if(NOT TARGET weft::weft)
  add_library(weft::weft INTERFACE IMPORTED GLOBAL)
  set_target_properties(weft::weft PROPERTIES SYSTEM OFF)
  target_include_directories(weft::weft INTERFACE "${WEFT_INCLUDE_DIR}")
  target_link_libraries(weft::weft INTERFACE weft::highway_headers)
  target_compile_features(weft::weft INTERFACE cxx_std_20)
endif()
