# The kinds of target this project has. Every room's CMakeLists.txt is a few lines of these.
#
#   mail_library(NAME [DEPENDS lib...] [PACKAGES pkg...])      lib/NAME/*.cc, */*.cc -> target lib_NAME
#   mail_program(NAME [FOLDER dir] [DEPENDS lib...] [COMMAND | SBIN])
#       main.cc of the folder -> program NAME; its other .cc files -> library NAME_parts,
#       which the unit tests link. Daemons go to libexec/malleposte, COMMAND to bin, SBIN to sbin.
#   mail_tool(NAME SOURCE file [DEPENDS lib...] [COMMAND | SBIN])  one-file command line tool
#   mail_unit_test(NAME [DEPENDS lib...])                      *_test.cc here -> test unit_NAME

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_INSTALL_DAEMONDIR "${CMAKE_INSTALL_LIBEXECDIR}/malleposte")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths below the source tree do not count, so that a second clone finds what the first one compiled; with precompiled
  # headers ccache wants to be told that they do not depend on the time of day.
  set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=true
      "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime" "${CCACHE}")
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Werror -Woverloaded-virtual -Wcast-qual
                    -fno-strict-aliasing -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes a member of a coroutine frame for a heap block of its own; asan, which knows, finds nothing.
  # From a precompiled header it also sees the library's own string copies go out of bounds (its bugs 105329, 105651).
  add_compile_options(-Wno-free-nonheap-object -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
  # Said before any target is made: with it ccache names a precompiled header by its content, not by its place and hour, so
  # that a second clone finds what the first one compiled.
  add_compile_options(-fpch-preprocess -Winvalid-pch)
endif()
add_compile_definitions(_GNU_SOURCE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 offers <expected> only to compilers that claim newer concepts than clang 16 does.
  add_compile_options(-Wno-macro-redefined -Wno-builtin-macro-redefined -D__cpp_concepts=202002L -Wno-unused-private-field
                      -Wno-unused-lambda-capture -Wno-unknown-warning-option)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)
include_directories("${CMAKE_SOURCE_DIR}")
link_libraries(Threads::Threads)

# Headers of the language and {fmt}, once a build instead of once a file: half of what a file costs. Only with g++: the clang
# builds do without and so find the file that does not include what it uses. Called at the end of the top level for all targets,
# so that no room has to think of it.
function(mail_precompile folder)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  if(NOT TARGET precompiled)
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/precompiled.cc" CONTENT "")
    add_library(precompiled STATIC "${CMAKE_BINARY_DIR}/precompiled.cc")
    # In angle brackets, or the tree's place would be part of it and no other clone could use what ccache has.
    target_precompile_headers(precompiled PRIVATE <cmake/precompiled.h>)
  endif()
  get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(sources ${target} SOURCES)
    if(type MATCHES "STATIC_LIBRARY|EXECUTABLE" AND NOT target STREQUAL "precompiled" AND sources MATCHES "\\.cc(;|$)")
      target_precompile_headers(${target} REUSE_FROM precompiled)
    endif()
  endforeach()
  get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS folders)
    mail_precompile("${below}")
  endforeach()
endfunction()

# Every program of the suite, for tests that need all of them built and for the install manifest.
define_property(GLOBAL PROPERTY MAIL_PROGRAMS BRIEF_DOCS "names of all programs" FULL_DOCS "set by mail_program")

function(mail_packages target)
  foreach(package IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "pkg_${package}" variable)
    pkg_check_modules(${variable} REQUIRED IMPORTED_TARGET GLOBAL ${package})
    target_link_libraries(${target} PUBLIC PkgConfig::${variable})
  endforeach()
endfunction()

function(mail_library name)
  cmake_parse_arguments(arg "" "" "DEPENDS;PACKAGES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc */*.cc)
  if(sources)
    add_library(lib_${name} STATIC ${sources})
    target_link_libraries(lib_${name} PUBLIC ${arg_DEPENDS})
    mail_packages(lib_${name} ${arg_PACKAGES})
  else()
    add_library(lib_${name} INTERFACE)
    target_link_libraries(lib_${name} INTERFACE ${arg_DEPENDS})
  endif()
endfunction()

function(mail_place target)
  cmake_parse_arguments(arg "COMMAND;SBIN" "" "" ${ARGN})
  if(arg_COMMAND)
    set(place "${CMAKE_INSTALL_BINDIR}")
    set(folder bin)
  elseif(arg_SBIN)
    set(place "${CMAKE_INSTALL_SBINDIR}")
    set(folder sbin)
  else()
    set(place "${CMAKE_INSTALL_DAEMONDIR}")
    set(folder libexec/malleposte)
  endif()
  # The build tree has the layout of an installed one, so programs find each other the same way.
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${folder}")
  install(TARGETS ${target} RUNTIME DESTINATION "${place}")
  set_property(GLOBAL APPEND PROPERTY MAIL_PROGRAMS ${target})
endfunction()

function(mail_program name)
  cmake_parse_arguments(arg "COMMAND;SBIN" "FOLDER" "DEPENDS" ${ARGN})
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}")
  if(arg_FOLDER)
    set(folder "${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER}")
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cc" "${folder}/commands/*.cc" "${folder}/restrictions/*.cc")
  list(REMOVE_ITEM sources "${folder}/main.cc")
  string(MAKE_C_IDENTIFIER "${name}_parts" parts)
  if(sources)
    add_library(${parts} STATIC ${sources})
    target_link_libraries(${parts} PUBLIC ${arg_DEPENDS})
  else()
    add_library(${parts} INTERFACE)
    target_link_libraries(${parts} INTERFACE ${arg_DEPENDS})
  endif()
  add_executable(${name} "${folder}/main.cc")
  target_link_libraries(${name} PRIVATE ${parts})
  set(where)
  if(arg_COMMAND)
    set(where COMMAND)
  elseif(arg_SBIN)
    set(where SBIN)
  endif()
  mail_place(${name} ${where})
endfunction()

function(mail_tool name)
  cmake_parse_arguments(arg "COMMAND;SBIN" "SOURCE" "DEPENDS" ${ARGN})
  add_executable(${name} "${arg_SOURCE}")
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS})
  set(where)
  if(arg_COMMAND)
    set(where COMMAND)
  elseif(arg_SBIN)
    set(where SBIN)
  endif()
  mail_place(${name} ${where})
endfunction()

function(mail_unit_test name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *_test.cc)
  add_executable(unit_${name} ${sources})
  target_link_libraries(unit_${name} PRIVATE catch_main ${arg_DEPENDS})
  set_target_properties(unit_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/test")
  add_test(NAME unit_${name} COMMAND unit_${name})
  set_tests_properties(unit_${name} PROPERTIES TIMEOUT 300 LABELS unit)
endfunction()
