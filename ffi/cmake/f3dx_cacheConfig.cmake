# find_package(f3dx_cache) gives the targets
#
#     f3dx_cache::f3dx_cache          the shared library
#     f3dx_cache::f3dx_cache_static   the archive, with what it needs of the system
#
# Both know where the header is. Paths are taken from this file's own, so that an
# installed tree may be moved.

get_filename_component(_f3dx_cache_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
include(CMakeFindDependencyMacro)
find_dependency(Threads)

if(NOT TARGET f3dx_cache::f3dx_cache)
  add_library(f3dx_cache::f3dx_cache SHARED IMPORTED)
  set_target_properties(f3dx_cache::f3dx_cache PROPERTIES
    IMPORTED_LOCATION "${_f3dx_cache_prefix}/lib/libf3dx_cache.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_f3dx_cache_prefix}/include")
endif()

if(NOT TARGET f3dx_cache::f3dx_cache_static)
  add_library(f3dx_cache::f3dx_cache_static STATIC IMPORTED)
  set_target_properties(f3dx_cache::f3dx_cache_static PROPERTIES
    IMPORTED_LOCATION "${_f3dx_cache_prefix}/lib/libf3dx_cache.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_f3dx_cache_prefix}/include"
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
endif()

unset(_f3dx_cache_prefix)
