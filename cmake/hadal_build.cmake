# What every target of the project has in common, and the functions that
# declare libraries, tests, benchmarks and fuzz targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(HADAL_CCACHE ccache)
if(HADAL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${HADAL_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(hwy REQUIRED)
if(HADAL_SERVER)
  find_package(Boost 1.74 REQUIRED)
  find_package(OpenSSL REQUIRED)
  find_package(SQLite3 REQUIRED)
endif()
if(HADAL_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(HADAL_TESTS OR HADAL_FUZZ)
  enable_testing()
endif()
if(HADAL_BENCH)
  find_package(benchmark REQUIRED)
endif()

# Real code for Hopper, portable code for any GPU from compute capability 8.0.
if(HADAL_CUDA)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "80-virtual;90a-real")
  endif()
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  enable_language(CUDA)
  # CMake 3.25 does not know yet that nvcc has C++20.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
  find_package(CUDAToolkit REQUIRED)
endif()

# The invariance law (docs/architecture.md): a product is fused with a sum
# only where the source says so, on every compiler.
add_library(hadal_options INTERFACE)
set(cxx $<COMPILE_LANGUAGE:CXX>)
set(cuda $<COMPILE_LANGUAGE:CUDA>)
target_compile_options(hadal_options INTERFACE
  "$<${cxx}:-ffp-contract=off;-Wall;-Wextra;-Wshadow;-Wconversion;-Wno-sign-conversion;-Wno-missing-field-initializers>"
  "$<${cuda}:--fmad=false;--expt-relaxed-constexpr>")
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 warns of overlap inside std::string operations (its bug 105651).
  target_compile_options(hadal_options INTERFACE "$<${cxx}:-Wno-restrict>")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND
   CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  # Highway compiles its NEON functions with these extensions. g++ inlines only
  # between equal ones, and gives constructors that it writes itself the
  # default. It makes no use of them of its own accord.
  target_compile_options(hadal_options INTERFACE -march=armv8-a+crypto)
endif()
if(HADAL_WERROR)
  target_compile_options(hadal_options INTERFACE
    "$<${cxx}:-Werror>" "$<${cuda}:-Werror=all-warnings>")
endif()
if(HADAL_SANITIZE)
  target_compile_options(hadal_options INTERFACE
    -fsanitize=${HADAL_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(hadal_options INTERFACE -fsanitize=${HADAL_SANITIZE})
endif()

# libFuzzer steers by the branches taken in the libraries under test.
if(HADAL_FUZZ)
  target_compile_options(hadal_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# hadal_library(base SOURCES ... LINK ...): the static library of one folder of
# src/. LINK names the folders above it and the system's packages.
function(hadal_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(hadal_${name} STATIC ${ARG_SOURCES})
  target_include_directories(hadal_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
           $<INSTALL_INTERFACE:include>)
  target_link_libraries(hadal_${name}
    PUBLIC ${ARG_LINK}
    PRIVATE $<BUILD_INTERFACE:hadal_options> ${ARG_PRIVATE_LINK})
endfunction()

# hadal_test(text_test LABELS unit SOURCES ... LINK ...): a GoogleTest program.
# Tests run with HADAL_SOURCE_DIR set to the source tree.
function(hadal_test name)
  if(NOT HADAL_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(hadal_${name} ${ARG_SOURCES})
  target_link_libraries(hadal_${name}
    PRIVATE ${ARG_LINK} hadal_options GTest::gtest_main)
  target_compile_definitions(hadal_${name}
    PRIVATE HADAL_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND hadal_${name})
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# hadal_bench(linear_bench SOURCES ... LINK ...): a Google Benchmark program
# with its own main, built where HADAL_BENCH is on. `hadal_benches` builds all.
function(hadal_bench name)
  if(NOT HADAL_BENCH)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(hadal_${name} ${ARG_SOURCES})
  target_link_libraries(hadal_${name}
    PRIVATE ${ARG_LINK} hadal_options benchmark::benchmark)
  target_compile_definitions(hadal_${name}
    PRIVATE HADAL_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT TARGET hadal_benches)
    add_custom_target(hadal_benches)
  endif()
  add_dependencies(hadal_benches hadal_${name})
endfunction()

# hadal_fuzz(json_fuzz SOURCES ... LINK ... SEEDS dir): a libFuzzer program that
# runs for a few seconds in the tests, starting from the seed inputs.
function(hadal_fuzz name)
  if(NOT HADAL_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "SEEDS" "SOURCES;LINK" ${ARGN})
  add_executable(hadal_${name} ${ARG_SOURCES})
  target_link_libraries(hadal_${name} PRIVATE ${ARG_LINK} hadal_options)
  target_compile_options(hadal_${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(hadal_${name} PRIVATE -fsanitize=fuzzer)
  add_test(NAME ${name} COMMAND hadal_${name}
    -max_total_time=10 -print_final_stats=0 -verbosity=0
    ${CMAKE_CURRENT_BINARY_DIR}/${name}_corpus ${ARG_SEEDS})
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${name}_corpus)
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  # The fuzz preset builds these and what they link, not the whole program.
  if(NOT TARGET hadal_fuzzers)
    add_custom_target(hadal_fuzzers)
  endif()
  add_dependencies(hadal_fuzzers hadal_${name})
endfunction()
