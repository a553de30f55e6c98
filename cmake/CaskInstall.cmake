# SPDX-License-Identifier: Apache-2.0
# The CMake package: find_package (Cask) gives Cask::cask, Cask::conform, Cask::plugin, cask_add_plugin() and Cask_PLUGIN_DIR.
include (CMakePackageConfigHelpers)

set (package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Cask)
set (plugin_dir ${CMAKE_INSTALL_LIBDIR}/${CASK_PLUGIN_SUBDIR})
set (library_file ${CMAKE_INSTALL_LIBDIR}/libcask.so.${PROJECT_VERSION})

configure_package_config_file (
  ${PROJECT_SOURCE_DIR}/cmake/CaskConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/CaskConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS plugin_dir library_file NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Another major is another library.
write_basic_package_version_file (${CMAKE_CURRENT_BINARY_DIR}/CaskConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMajorVersion)

# Two files, for a plugin is built where there is no libcask: a target whose file is missing ends CMake.
install (EXPORT cask-plugin-targets NAMESPACE Cask:: FILE CaskPluginTargets.cmake
         DESTINATION ${package_dir} COMPONENT development)
install (EXPORT cask-targets NAMESPACE Cask:: FILE CaskTargets.cmake
         DESTINATION ${package_dir} COMPONENT development)
install (FILES ${CMAKE_CURRENT_BINARY_DIR}/CaskConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/CaskConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/CaskAddPlugin.cmake ${PROJECT_SOURCE_DIR}/cmake/cask-plugin.map
         DESTINATION ${package_dir} COMPONENT development)
