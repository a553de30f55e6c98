# SPDX-License-Identifier: Apache-2.0
# How every target of this tree is compiled, and what a room is.

add_library (cask-flags INTERFACE)
target_compile_features (cask-flags INTERFACE c_std_17)
target_compile_options (cask-flags INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes
    -Wold-style-definition -fno-strict-aliasing>)
target_compile_definitions (cask-flags INTERFACE
  _GNU_SOURCE _FILE_OFFSET_BITS=64
  GLIB_VERSION_MIN_REQUIRED=GLIB_VERSION_2_74 GLIB_VERSION_MAX_ALLOWED=GLIB_VERSION_2_74)

set (CMAKE_C_STANDARD 17)
set (CMAKE_C_EXTENSIONS ON)
set (CMAKE_C_VISIBILITY_PRESET hidden)
set (CMAKE_POSITION_INDEPENDENT_CODE ON)

# A sanitizer's runtime is in the executable, so only without one can a library be asked to resolve
# every symbol at link time.
if (NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  add_link_options ($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>:-Wl,-z,defs>)
endif ()
add_link_options (-Wl,-z,relro -Wl,-z,now)

# cask_room (NAME BELOW room… SOURCES file…)
#
# One room of core/. Its include path holds itself, the rooms below it and the public headers, and nothing
# else: an include from a higher room does not compile.
function (cask_room name)
  cmake_parse_arguments (room "" "" "BELOW;SOURCES" ${ARGN})
  add_library (cask-${name} OBJECT ${room_SOURCES})
  target_include_directories (cask-${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  foreach (lower IN LISTS room_BELOW)
    target_include_directories (cask-${name} PRIVATE ${PROJECT_SOURCE_DIR}/core/${lower})
  endforeach ()
  target_link_libraries (cask-${name} PRIVATE cask-flags cask-headers)
  # What leaves the library is said in one place, its map; a symbol that is hidden here, no map can show.
  set_target_properties (cask-${name} PROPERTIES C_VISIBILITY_PRESET default)
  target_compile_options (cask-${name} PRIVATE -fno-semantic-interposition)
  set_property (GLOBAL APPEND PROPERTY CASK_ROOMS cask-${name})
endfunction ()

# cask_plugin (NAME SOURCE…): a backend of this tree, built as a stranger's would be, and installed.
function (cask_plugin name)
  cask_add_plugin (${name} ${ARGN})
  target_link_libraries (cask-plugin-${name} PRIVATE cask-flags)
  if (NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
    target_link_options (cask-plugin-${name} PRIVATE -Wl,-z,defs)
  endif ()
  set_target_properties (cask-plugin-${name} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/${CASK_PLUGIN_SUBDIR})
  install (TARGETS cask-plugin-${name}
           LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/${CASK_PLUGIN_SUBDIR} COMPONENT runtime)
endfunction ()
