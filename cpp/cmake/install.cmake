# Install rules: find_package(backpass CONFIG), pkg-config, headers. Everything is relocatable. The build tree is also a
# package (backpass_DIR=<build>/cpp), so a project that contains this one can install and export targets that link the
# library.
include(CMakePackageConfigHelpers)

set(BACKPASS_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/backpass)
install(TARGETS backpass EXPORT backpass-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/cpp/include/backpass DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT backpass-targets NAMESPACE backpass:: DESTINATION ${BACKPASS_CMAKE_DIR})
export(EXPORT backpass-targets NAMESPACE backpass:: FILE backpass-targets.cmake)

# Programs that link the static library must also link the OpenMP runtime that it calls. A library built with GCC calls
# libgomp. Clang's runtime has the same functions, so -fopenmp works with either compiler. A library built with Clang
# calls libomp only, so GCC needs the path of libomp.
set(BACKPASS_NEEDS_OPENMP OFF)
set(BACKPASS_LIBOMP "")
if(NOT BUILD_SHARED_LIBS AND BACKPASS_OPENMP)
  set(BACKPASS_NEEDS_OPENMP ON)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set(BACKPASS_LIBOMP ${OpenMP_CXX_LIBRARIES})
    list(FILTER BACKPASS_LIBOMP EXCLUDE REGEX "pthread")
  endif()
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cpp/cmake/backpass-config.cmake.in backpass-config.cmake
                              INSTALL_DESTINATION ${BACKPASS_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(backpass-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/backpass-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/backpass-config-version.cmake
        DESTINATION ${BACKPASS_CMAKE_DIR})

# pkg-config: paths are relative to the location of the .pc file (pcfiledir), so that the tree can be moved.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_prefix /${pc_dir} /)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
set(pc_cflags "")
set(pc_libs "")
if(BUILD_SHARED_LIBS)
  set(pc_cflags " -DBACKPASS_SHARED")
else()
  # Libs contains the dependencies of the static library, so that programs link without pkg-config --static.
  set(pc_libs " ${CMAKE_THREAD_LIBS_INIT}")
  if(BACKPASS_LIBOMP)
    list(JOIN BACKPASS_LIBOMP " " libomp)
    string(APPEND pc_libs " ${libomp}")
  elseif(BACKPASS_NEEDS_OPENMP)
    string(APPEND pc_libs " -fopenmp")
  endif()
  if(MINGW)
    string(APPEND pc_libs " -lsynchronization")
  endif()
endif()
configure_file(${PROJECT_SOURCE_DIR}/cpp/cmake/backpass.pc.in backpass.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/backpass.pc DESTINATION ${pc_dir})
