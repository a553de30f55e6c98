# SPDX-License-Identifier: Apache-2.0

# cask_add_plugin (NAME SOURCE…)
#
# Adds the module cask-NAME.so as target cask-plugin-NAME, compiled against Cask::plugin: headers only,
# nothing of libcask is linked. It exports the one symbol that CASK_PLUGIN_DEFINE() makes visible, in C++ as
# well, where the standard library's templates would be visible otherwise.
function (cask_add_plugin name)
  set (map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/cask-plugin.map)
  add_library (cask-plugin-${name} MODULE ${ARGN})
  target_link_libraries (cask-plugin-${name} PRIVATE Cask::plugin)
  target_link_options (cask-plugin-${name} PRIVATE "-Wl,--version-script,${map}")
  set_target_properties (cask-plugin-${name} PROPERTIES
    PREFIX "" OUTPUT_NAME cask-${name} SUFFIX ".so" LINK_DEPENDS ${map}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction ()
