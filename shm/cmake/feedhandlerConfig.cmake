# The header-only readers of feedhandler's shared memory, for C11 and C++17:
#
#   find_package(feedhandler REQUIRED)      # -Dfeedhandler_DIR="$(python -c 'import shm; print(shm.get_cmake_dir())')"
#   target_link_libraries(strategy PRIVATE feedhandler::shm)
if(NOT TARGET feedhandler::shm)
  get_filename_component(_feedhandler_include "${CMAKE_CURRENT_LIST_DIR}/../include" ABSOLUTE)
  add_library(feedhandler::shm INTERFACE IMPORTED)
  set_target_properties(feedhandler::shm PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_feedhandler_include}"
    INTERFACE_LINK_LIBRARIES rt)
  unset(_feedhandler_include)
endif()
