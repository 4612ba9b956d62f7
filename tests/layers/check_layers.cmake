# Checks that a folder of SOURCES (src/) includes only itself and the folders
# above it in the list of docs/architecture.md, and that the public headers in
# HEADERS include nothing of src/.
#
#   cmake -DSOURCES=DIR [-DHEADERS=DIR] -P check_layers.cmake
cmake_minimum_required(VERSION 3.25)

set(layers base text checkpoint kernels weights cache model executor generation
  engine convert server bench cli)

# errors_in(OUT FILE ALLOWED...): one line for each include of a folder of
# `layers` that ALLOWED does not name.
function(errors_in out file)
  set(above ${ARGN})
  file(STRINGS ${file} includes REGEX "^[ \t]*#[ \t]*include[ \t]*\"")
  set(errors)
  foreach(line IN LISTS includes)
    if(line MATCHES "\"([a-z0-9_]+)/")
      set(folder ${CMAKE_MATCH_1})
      if(folder IN_LIST layers AND NOT folder IN_LIST above)
        string(APPEND errors "${file}: ${line}\n")
      endif()
    endif()
  endforeach()
  set(${out} "${errors}" PARENT_SCOPE)
endfunction()

set(all_errors)
set(files_seen 0)
set(allowed)
foreach(layer IN LISTS layers)
  list(APPEND allowed ${layer})
  file(GLOB_RECURSE files ${SOURCES}/${layer}/*.h ${SOURCES}/${layer}/*.cpp)
  foreach(file IN LISTS files)
    errors_in(errors ${file} ${allowed})
    string(APPEND all_errors "${errors}")
    math(EXPR files_seen "${files_seen} + 1")
  endforeach()
endforeach()

if(HEADERS)
  file(GLOB_RECURSE files ${HEADERS}/*.h)
  foreach(file IN LISTS files)
    errors_in(errors ${file})  # nothing is allowed
    string(APPEND all_errors "${errors}")
    math(EXPR files_seen "${files_seen} + 1")
  endforeach()
endif()

# A folder that the list does not know would escape the check.
file(GLOB entries RELATIVE ${SOURCES} ${SOURCES}/*)
foreach(entry IN LISTS entries)
  if(IS_DIRECTORY ${SOURCES}/${entry} AND NOT entry IN_LIST layers)
    string(APPEND all_errors "${SOURCES}/${entry}: not in the list of layers\n")
  endif()
endforeach()

if(files_seen EQUAL 0)
  message(FATAL_ERROR "no sources under ${SOURCES}")
endif()
if(all_errors)
  message("${all_errors}")
  message(FATAL_ERROR "a folder may include only folders above it")
endif()
message(STATUS "${files_seen} files in ${SOURCES}: the layers hold")
