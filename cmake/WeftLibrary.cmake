# Defines weft::weft and weft_add_kernels(): the same lines for weft's own build and for an installed weft.
# WEFT_INCLUDE_DIR is the folder that holds weft/weft.h.
include("${CMAKE_CURRENT_LIST_DIR}/WeftHighway.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/WeftKernels.cmake")

# The headers, and Highway's for those who include weft's -inl.h files. Nothing to link.
if(NOT TARGET weft::weft)
  add_library(weft_headers INTERFACE)
  target_include_directories(weft_headers INTERFACE "${WEFT_INCLUDE_DIR}")
  target_link_libraries(weft_headers INTERFACE weft::highway_headers)
  target_compile_features(weft_headers INTERFACE cxx_std_20)
  add_library(weft::weft ALIAS weft_headers)
endif()
