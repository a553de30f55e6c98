# SPDX-License-Identifier: Apache-2.0
# Makes the next ABI minor: copies of the live headers, and of the four sources of the loader and the store that
# fill or check what crosses, with members at the end of every struct that may grow and two slots at the end of
# the table. What is edited is what a real new minor has to edit, and nothing is kept by hand.
#
# cmake -D SOURCE=tree -D OUTPUT=directory -P next.cmake

# edit (VARIABLE WHERE OLD NEW): OLD has to stand in it exactly once.
function (edit variable where old new)
  set (text "${${variable}}")
  string (FIND "${text}" "${old}" first)
  string (FIND "${text}" "${old}" last REVERSE)
  if (first EQUAL -1 OR NOT first EQUAL last)
    message (FATAL_ERROR "tests/abi/next.cmake: in ${where} this stands not once: ${old}\n"
                         "Mend the script: it makes the next minor out of that file.")
  endif ()
  string (REPLACE "${old}" "${new}" text "${text}")
  set (${variable} "${text}" PARENT_SCOPE)
endfunction ()

# take (VARIABLE FILE)
function (take variable file)
  file (READ ${SOURCE}/${file} text)
  set (${variable} "${text}" PARENT_SCOPE)
endfunction ()

set (header include/cask/cask-plugin.h)
take (plugin ${header})
string (REGEX MATCH "CASK_PLUGIN_ABI_MINOR ([0-9]+)" found "${plugin}")
set (minor ${CMAKE_MATCH_1})
math (EXPR next "${minor} + 1")
edit (plugin ${header} "CASK_PLUGIN_ABI_MINOR ${minor}" "CASK_PLUGIN_ABI_MINOR ${next}")

# ---- The headers ----

foreach (struct CaskChild CaskOpenArgs CaskUploadSpec CaskPlugin)
  edit (plugin ${header} "\n} ${struct};" "\n  guint64 next_word;\n} ${struct};")
endforeach ()
edit (plugin ${header} "  void (*warn) (const CaskHost *host, const CaskDigest *digest, const GError *error);\n"
      "  void (*warn) (const CaskHost *host, const CaskDigest *digest, const GError *error);\n\n  guint64 next_word;\n")
foreach (struct CaskHost CaskChild CaskOpenArgs CaskUploadSpec CaskPlugin)
  edit (plugin ${header} "sizeof (${struct}) == " "sizeof (${struct}) == 8 + ")
endforeach ()
edit (plugin ${header} "sizeof (CaskBackendOps) == " "sizeof (CaskBackendOps) == 16 + ")

string (FIND "${plugin}" "struct _CaskBackendOps\n{" begin)
string (SUBSTRING "${plugin}" 0 ${begin} before)
string (SUBSTRING "${plugin}" ${begin} -1 after)
string (FIND "${after}" "\n};" end)
string (SUBSTRING "${after}" 0 ${end} table)
string (SUBSTRING "${after}" ${end} -1 after)
set (slots "
  gboolean (*next_size) (CaskBackend *self, const CaskDigest *digest, guint64 *size,
                         GCancellable *cancellable, GError **error);
  gboolean (*next_mark) (CaskBackend *self, GCancellable *cancellable, GError **error);")
file (WRITE ${OUTPUT}/include/cask/cask-plugin.h "${before}${table}\n${slots}${after}")

take (option include/cask/cask-option.h)
edit (option cask-option.h "\n} CaskOptionSpec;" "\n  guint64 next_word;\n} CaskOptionSpec;")
edit (option cask-option.h "sizeof (CaskOptionSpec) == " "sizeof (CaskOptionSpec) == 8 + ")
file (WRITE ${OUTPUT}/include/cask/cask-option.h "${option}")

# ---- The host ----

set (file core/loader/plugin-check.c)
take (check ${file})
if (NOT check MATCHES "{ *${minor}, ([0-9]+), ([0-9]+), ([0-9]+) *}")
  message (FATAL_ERROR "tests/abi/next.cmake: ${file} has no row of sizes for ABI minor ${minor}")
endif ()
set (row "${CMAKE_MATCH_0}")
math (EXPR plugin_size "${CMAKE_MATCH_1} + 8")
math (EXPR option_size "${CMAKE_MATCH_2} + 8")
math (EXPR ops_size "${CMAKE_MATCH_3} + 16")
edit (check ${file} "${row}" "${row}, { ${next}, ${plugin_size}, ${option_size}, ${ops_size} }")
foreach (struct Plugin OptionSpec)
  edit (check ${file} "sizeof (Cask${struct}) == " "sizeof (Cask${struct}) == 8 + ")
endforeach ()
edit (check ${file} "sizeof (CaskBackendOps) == " "sizeof (CaskBackendOps) == 16 + ")
file (WRITE ${OUTPUT}/plugin-check.c "${check}")

set (file core/loader/node-calls.c)
take (calls ${file})
edit (calls ${file} "const CaskBackendOps cask_node_ops = {"
      "#include \"next.h\"\nconst CaskBackendOps cask_node_ops = {\n  .next_size = cask_node_next_size, .next_mark = cask_node_next_mark,")
file (WRITE ${OUTPUT}/node-calls.c "${calls}")

set (file core/loader/node.c)
take (node ${file})
edit (node ${file} "node->args = (CaskOpenArgs){" "node->args = (CaskOpenArgs){\n    .next_word = NEXT_ARGS_WORD,")
file (WRITE ${OUTPUT}/node.c "#include \"next.h\"\n${node}")

set (file core/store/store-host.c)
take (host ${file})
edit (host ${file} "host->table = (CaskHost){" "host->table = (CaskHost){\n    .next_word = NEXT_HOST_WORD,")
file (WRITE ${OUTPUT}/store-host.c "#include \"next.h\"\n${host}")
