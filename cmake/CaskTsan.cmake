# SPDX-License-Identifier: Apache-2.0

# cask_tsan_programs (DIRECTORY)
#
# Gives every program below the directory what ThreadSanitizer has to know of GLib (tests/tsan/tsan-glib.c):
# the definitions in a program come before those in libglib, for its libraries and plugins as well.
function (cask_tsan_programs directory)
  get_property (targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach (target IN LISTS targets)
    get_target_property (type ${target} TYPE)
    if (type STREQUAL "EXECUTABLE")
      target_sources (${target} PRIVATE $<TARGET_OBJECTS:cask-tsan-glib>)
      target_link_libraries (${target} PRIVATE PkgConfig::GIO ${CMAKE_DL_LIBS})
    endif ()
  endforeach ()
  get_property (children DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach (child IN LISTS children)
    cask_tsan_programs (${child})
  endforeach ()
endfunction ()
