# Third-party libraries as deps::* targets: uring llhttp simdjson pq ssl yaml mimalloc crypt
# gtest benchmark. Nothing else names a library of the system. Include it once, from the root:
#
#   list(APPEND CMAKE_MODULE_PATH ${PROJECT_SOURCE_DIR}/cmake)
#   include(Deps)
#   target_link_libraries(fluxgate_loop PRIVATE deps::uring)
#
# .deps/ (filled by scripts/setup.sh on Debian 12) goes before the system. Includes are SYSTEM, as
# imported targets' includes are, so our warnings stay out of them.
include_guard(GLOBAL)

set(_deps_root "${CMAKE_CURRENT_LIST_DIR}/../.deps")
cmake_path(NORMAL_PATH _deps_root)

function(_deps_fail what)
    message(FATAL_ERROR "${what}. Run ./scripts/setup.sh; if .deps/ comes from another machine, "
                        "remove it and the build folder first.")
endfunction()

# Fails unless `version` (read from the header that will be compiled) is at least `floor`.
function(_deps_check name version floor)
    if("${version}" STREQUAL "")
        _deps_fail("${name}: cannot read its version; fluxgate needs ${floor} or later")
    elseif(version VERSION_LESS floor)
        _deps_fail("${name} is ${version}; fluxgate needs ${floor} or later")
    endif()
    message(STATUS "deps: ${name} ${version}")
endfunction()

# Reads the numbers that follow the #defines named in ARGN and joins them to a dotted version.
function(_deps_header_version out header)
    file(READ "${header}" text)
    set(parts "")
    foreach(macro IN LISTS ARGN)
        if(text MATCHES "#[ \t]*define[ \t]+${macro}[ \t]+\"?([0-9.]+)")
            list(APPEND parts "${CMAKE_MATCH_1}")
        endif()
    endforeach()
    list(JOIN parts "." version)
    set(${out} "${version}" PARENT_SCOPE)
endfunction()

# deps::<name> from one header and one library file (the first of ARGN that exists). Looked up
# afresh at each configuration: a cached path would outlive a setup.sh that fills .deps/ later.
# Leaves the header's path in <name>_header.
function(_deps_library name header)
    set(search HINTS "${_deps_root}" NO_CACHE)
    find_path(include_dir "${header}" ${search} PATH_SUFFIXES include postgresql include/postgresql)
    find_library(library NAMES ${ARGN} NAMES_PER_DIR ${search} PATH_SUFFIXES lib)
    if(NOT include_dir)
        _deps_fail("Header ${header} not found")
    elseif(NOT library)
        _deps_fail("Library not found, none of: ${ARGN}")
    endif()
    add_library(deps::${name} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(deps::${name} PROPERTIES IMPORTED_LOCATION "${library}"
                                                   INTERFACE_INCLUDE_DIRECTORIES "${include_dir}")
    set(${name}_header "${include_dir}/${header}" PARENT_SCOPE)
endfunction()

# deps::<name> from a CMake package: the first of ARGN that is a target, or all after ALL.
function(_deps_package name package floor)
    cmake_parse_arguments(arg "" "" "ALL;ANY" ${ARGN})
    # Without a version argument, because packages disagree on what "compatible" means.
    find_package(${package} QUIET GLOBAL)
    if(NOT ${package}_FOUND)
        _deps_fail("CMake package ${package} not found")
    endif()
    set(version "${${package}_VERSION}")
    if(package STREQUAL "OpenSSL") # CMake's own module spells its variables in capitals
        set(version "${OPENSSL_VERSION}")
    endif()
    _deps_check(${package} "${version}" ${floor})
    set(targets ${arg_ALL})
    foreach(candidate IN LISTS arg_ANY)
        if(TARGET ${candidate} AND NOT targets)
            set(targets ${candidate})
        endif()
    endforeach()
    foreach(target IN LISTS targets)
        if(NOT TARGET ${target})
            _deps_fail("CMake package ${package} has no target ${target}")
        endif()
    endforeach()
    if(NOT targets)
        _deps_fail("CMake package ${package} has none of the targets ${arg_ANY}")
    endif()
    add_library(deps::${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(deps::${name} INTERFACE ${targets})
endfunction()

# ---- libraries on the request path; the first three static, so that the binary carries them ----
_deps_library(uring liburing.h liburing.a uring)
get_filename_component(_deps_dir "${uring_header}" DIRECTORY)
if(EXISTS "${_deps_dir}/liburing/io_uring_version.h") # since 2.4
    _deps_header_version(_deps_version "${_deps_dir}/liburing/io_uring_version.h"
                         IO_URING_VERSION_MAJOR IO_URING_VERSION_MINOR)
else()
    set(_deps_version "0")
endif()
_deps_check(liburing "${_deps_version}" 2.9)

_deps_library(llhttp llhttp.h libllhttp.a llhttp)
_deps_header_version(_deps_version "${llhttp_header}"
                     LLHTTP_VERSION_MAJOR LLHTTP_VERSION_MINOR LLHTTP_VERSION_PATCH)
_deps_check(llhttp "${_deps_version}" 9.2.1)

_deps_library(simdjson simdjson.h libsimdjson_static.a libsimdjson.a simdjson)
_deps_header_version(_deps_version "${simdjson_header}" SIMDJSON_VERSION)
_deps_check(simdjson "${_deps_version}" 3.12)

# libpq stays shared: static, it drags Kerberos and LDAP behind it, and Debian patches it often.
_deps_library(pq libpq-fe.h pq)
get_filename_component(_deps_dir "${pq_header}" DIRECTORY)
_deps_header_version(_deps_version "${_deps_dir}/pg_config.h" PG_VERSION)
_deps_check(libpq "${_deps_version}" 15)

_deps_package(ssl OpenSSL 3.0 ALL OpenSSL::SSL OpenSSL::Crypto)
_deps_library(crypt crypt.h crypt)

# mimalloc replaces malloc by being linked; no symbol of it is ever named, so --as-needed would drop
# it. Link it to executables only, and not in sanitizer builds, which bring their own malloc.
find_package(mimalloc QUIET)
if(NOT mimalloc_FOUND)
    _deps_fail("CMake package mimalloc not found")
endif()
_deps_check(mimalloc "${mimalloc_VERSION}" 2.0)
add_library(deps::mimalloc INTERFACE IMPORTED GLOBAL)
target_link_libraries(
    deps::mimalloc INTERFACE -Wl,--push-state,--no-as-needed $<TARGET_FILE:mimalloc> -Wl,--pop-state)

# ---- cold paths -------------------------------------------------------------------------------------
_deps_package(yaml yaml-cpp 0.7 ANY yaml-cpp::yaml-cpp yaml-cpp)

# ---- tests and benchmarks. Their main() is gmock_main's (which is gtest's too) ----------------------
_deps_package(gtest GTest 1.12 ALL GTest::gmock_main GTest::gmock GTest::gtest)
_deps_package(benchmark benchmark 1.7 ALL benchmark::benchmark_main benchmark::benchmark)
