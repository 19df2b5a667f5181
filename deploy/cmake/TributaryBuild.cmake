# SPDX-License-Identifier: Apache-2.0
# Language, warnings, sanitizers, dependencies, and one function per kind of
# target. Every library is static and named tributary_<folder>.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# Line tables only, and asserts stay on.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Eigen3 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
# What reads data sets, a simulator's business: a coordinator alone is built
# without.
if(TRIBUTARY_TORCH OR TRIBUTARY_TESTS)
  pkg_check_modules(libzip REQUIRED IMPORTED_TARGET libzip)
  pkg_check_modules(matio REQUIRED IMPORTED_TARGET matio)
endif()

# Warnings are errors in our code; headers of others are system headers. Sums
# must be the same on every machine, so no fused multiply-add behind our back.
add_library(tributary_options INTERFACE)
target_compile_options(tributary_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror -ffp-contract=off
  # GCC 12 sees an overlap in std::string at -O3 that cannot be (bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict>
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
target_include_directories(tributary_options INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/client/include>)
if(TRIBUTARY_SANITIZE)
  string(REPLACE ";" "," sanitizers "${TRIBUTARY_SANITIZE}")
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizers})
  if(sanitizers STREQUAL "thread")
    # The system's libprotobuf is not instrumented, and its headers would lay
    # messages out otherwise than the library does where they see this macro.
    # libstdc++ is to see it all the same.
    add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
    # And it is told in which order gRPC, not instrumented either, runs our code.
    add_library(tributary_grpc_order OBJECT
      ${CMAKE_SOURCE_DIR}/tests/sanitize/grpc_order.cc)
    target_compile_options(tributary_grpc_order PRIVATE -fno-sanitize=all
      -Wall -Wextra -Wshadow -Werror)
    link_libraries("$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:tributary_grpc_order>>")
  endif()
endif()

if(TRIBUTARY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address)
endif()

# tributary_library(NAME SOURCES a.cc ... LIBRARIES x y ...)
function(tributary_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_LIBRARIES}
    $<BUILD_INTERFACE:tributary_options>)
endfunction()

# tributary_program(tributary-name SOURCES ... LIBRARIES ...): a command users run.
function(tributary_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} tributary_options)
  install(TARGETS ${name} RUNTIME)
endfunction()
