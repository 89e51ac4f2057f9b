# Compiler flags, and the three functions that the folders' CMakeLists.txt use.

add_library(fluxgate_flags INTERFACE)
target_include_directories(fluxgate_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(fluxgate_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
    -Woverloaded-virtual -Wnull-dereference
    -fstack-protector-strong -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
    $<$<BOOL:${FLUXGATE_WERROR}>:-Werror>)
find_program(FLUXGATE_LLD NAMES ld.lld-19 ld.lld)
if(FLUXGATE_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_link_options(fluxgate_flags INTERFACE -fuse-ld=${FLUXGATE_LLD})
endif()
target_link_options(fluxgate_flags INTERFACE -Wl,-z,relro,-z,now)

if(FLUXGATE_SANITIZE STREQUAL "address")
    set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(FLUXGATE_SANITIZE STREQUAL "thread")
    set(sanitizers -fsanitize=thread)
elseif(FLUXGATE_SANITIZE)
    message(FATAL_ERROR "FLUXGATE_SANITIZE is '${FLUXGATE_SANITIZE}'; it may be address or thread.")
else()
    target_compile_definitions(fluxgate_flags INTERFACE _GLIBCXX_ASSERTIONS)
    target_compile_options(fluxgate_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
        -fstack-clash-protection)
endif()
if(FLUXGATE_SANITIZE)
    target_compile_options(fluxgate_flags INTERFACE ${sanitizers})
    target_link_options(fluxgate_flags INTERFACE ${sanitizers})
endif()

# fluxgate_library(loop SOURCES a.cc b.cc DEPENDS deps::uring): the static library fluxgate_loop.
function(fluxgate_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
    add_library(fluxgate_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(fluxgate_${name} PUBLIC fluxgate_flags ${ARG_DEPENDS}
        PRIVATE ${ARG_PRIVATE_DEPENDS})
endfunction()

# fluxgate_test(loop SOURCES a_test.cc DEPENDS fluxgate_loop [LABEL unit]): the executable test_loop;
# each gtest case is a ctest, or, with ONE_PROCESS, all together are one: they share a PostgreSQL, which
# takes a second to start.
function(fluxgate_test name)
    cmake_parse_arguments(ARG "ONE_PROCESS" "LABEL;TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
    if(NOT ARG_LABEL)
        set(ARG_LABEL unit)
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 60)
    endif()
    add_executable(test_${name} ${ARG_SOURCES})
    target_link_libraries(test_${name} PRIVATE fluxgate_test_support ${ARG_DEPENDS} deps::gtest)
    target_compile_definitions(test_${name} PRIVATE
        FLUXGATE_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
    if(ARG_ONE_PROCESS)
        add_test(NAME ${name} COMMAND test_${name} --gtest_brief=1)
        set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
    else()
        gtest_discover_tests(test_${name} DISCOVERY_TIMEOUT 60
            PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
    endif()
endfunction()

# fluxgate_bench(loop SOURCES task_bench.cc DEPENDS fluxgate_loop): bench_loop, run tiny as a ctest.
function(fluxgate_bench name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
    add_executable(bench_${name} ${ARG_SOURCES})
    target_link_libraries(bench_${name} PRIVATE fluxgate_flags ${ARG_DEPENDS} deps::benchmark)
    target_compile_definitions(bench_${name} PRIVATE
        FLUXGATE_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
    add_test(NAME bench_${name} COMMAND bench_${name} --benchmark_min_time=0.001)
    set_tests_properties(bench_${name} PROPERTIES LABELS bench-smoke TIMEOUT 60)
endfunction()
